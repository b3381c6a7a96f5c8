#include "genrewise/storage/file_store.hpp"

#include <fmt/format.h>

#include <chrono>

#include "genrewise/base/runtime.hpp"
#include "genrewise/storage/local_store.hpp"
#include "genrewise/storage/s3_settings.hpp"
#include "genrewise/storage/s3_store.hpp"
#include "genrewise/storage/uri.hpp"

namespace genrewise {

void Stores::set_options(StoreOptions options) {
  const std::lock_guard lock(mutex_);
  options_ = std::move(options);
  open_.clear();
}

StoreOptions Stores::options() {
  const std::lock_guard lock(mutex_);
  return options_;
}

std::shared_ptr<FileStore> Stores::of(std::string_view location) {
  const std::string scheme(is_remote(location) ? location.substr(0, 2) : "");
  const std::lock_guard lock(mutex_);
  auto& store = open_[scheme];
  if (!store) store = scheme.empty() ? make_local_store() : make_s3_store(find_s3_settings(scheme, options_));
  return store;
}

std::shared_ptr<FileStore> store_of(std::string_view location) {
  return Runtime::current().service<Stores>().of(location);
}

void set_store_options(StoreOptions options) {
  Runtime::current().service<Stores>().set_options(std::move(options));
}

StoreOptions store_options() {
  return Runtime::current().service<Stores>().options();
}

std::string utc_text(std::int64_t seconds) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

}  // namespace genrewise
