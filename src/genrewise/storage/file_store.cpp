#include "genrewise/storage/file_store.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "genrewise/base/runtime.hpp"
#include "genrewise/storage/gcs_store.hpp"
#include "genrewise/storage/s3_store.hpp"
#include "genrewise/storage/store_settings.hpp"

namespace genrewise {
namespace {

// The bucket becomes part of a URL's host or path and must not redirect the request.
bool is_bucket_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  };
  return text.size() >= 3 && text.size() <= 222 && std::ranges::all_of(text, allowed) && !text.starts_with('.') &&
         text.find("..") == std::string_view::npos;
}

}  // namespace

bool is_remote(std::string_view location) {
  return location.starts_with("s3://") || location.starts_with("gs://");
}

ObjectName parse_uri(std::string_view uri) {
  if (!is_remote(uri)) throw Error("is not the URI of an object", std::string(uri), "give s3://BUCKET/NAME");
  const std::string_view rest = uri.substr(5);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  ObjectName name{std::string(uri.substr(0, 2)), std::string(rest.substr(0, slash)), {}};
  if (slash < rest.size()) name.key = rest.substr(slash + 1);
  if (!is_bucket_name(name.bucket)) {
    if (name.bucket.find('@') != std::string::npos)
      throw Error("contains a user name or password", name.scheme + "://", "give " + name.scheme + "://BUCKET/NAME");
    throw Error(name.bucket.empty() ? "names no bucket" : "\"" + name.bucket + "\" is not a bucket name",
                std::string(uri), "give " + name.scheme + "://BUCKET/NAME");
  }
  return name;
}

std::string to_uri(const ObjectName& name) {
  return name.scheme + "://" + name.bucket + "/" + name.key;
}

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
  if (store) return store;
  if (scheme.empty()) return store = make_local_store();
  StoreSettings settings = find_store_settings(scheme, options_);
  return store = scheme == "gs" ? make_gcs_store(std::move(settings)) : make_s3_store(std::move(settings));
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

void throw_conflict(const WriteCondition& condition, const std::string& location) {
  throw WriteConflict(
      condition.kind == WriteCondition::Kind::absent ? "already exists" : "has changed since it was read", location,
      "another process wrote this file: read it again before you replace it");
}

std::string utc_text(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

}  // namespace genrewise
