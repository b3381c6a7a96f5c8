#include "uploads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise::server {
namespace {

namespace fs = std::filesystem;

/// Unlike the time of day, it has no steps.
std::int64_t steady_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void remove_leftovers(const fs::path& folder) {
  for (const fs::path& one : entries_of(folder)) {
    try {
      const FolderLock lock(one);
      remove_tree(one);
    } catch (const Error&) {  // in use by another server
    }
  }
}

/// Waits for other servers that start, which hold it for a moment.
FolderLock lock_of(const fs::path& folder) {
  for (int tries = 0;; ++tries) try {
      return FolderLock(folder);
    } catch (const Error&) {
      if (tries == 50) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

/// The extension of a stated name, as a hint for the decoder.
std::string safe_extension(const std::string& name) {
  const std::string extension = lower_case(fs::path(name).extension().string());
  const bool safe = extension.size() <= 6 && std::ranges::all_of(extension, [](char c) {
                      return c == '.' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
                    });
  return safe ? extension : "";
}

/// Counts a file, and its bytes, while it is received.
struct Receiving {
  Receiving(std::atomic<int>& all_files, std::atomic<std::uint64_t>& all_bytes)
      : files(all_files), bytes(all_bytes), number(++files) {}
  ~Receiving() {
    --files;
    bytes -= received;
  }
  std::atomic<int>& files;
  std::atomic<std::uint64_t>& bytes;
  const int number;
  std::uint64_t received = 0;
};

}  // namespace

std::string random_id() {
  std::array<char, 16> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw_system_error("cannot get random numbers", "getrandom");
  return to_hex({bytes.data(), bytes.size()});
}

Upload::~Upload() {
  ::unlink(path.c_str());
  if (on_disk) *on_disk -= bytes;
}

Uploads::Uploads(const UploadLimits& limits) : limits_(limits) {
  const fs::path all = temporary_folder_of_user("genrewise-serve");
  const FolderLock starting = lock_of(all);
  remove_leftovers(all);
  folder_ = all / random_id();
  if (::mkdir(folder_.c_str(), 0700) != 0) throw_system_error("cannot make the folder of uploads", folder_.string());
  lock_ = FolderLock(folder_);
}

Uploads::~Uploads() {
  kept_.clear();
  std::error_code ignored;
  remove_tree(folder_, ignored);
}

std::shared_ptr<Upload> Uploads::receive(const HttpRequest& request) {
  Receiving receiving(receiving_, receiving_bytes_);
  if (receiving.number > limits_.at_once) throw busy(429, "too many files are being received");
  if (request.content_length.value_or(0) > limits_.bytes)
    throw HttpError(413, fmt::format("the file is larger than {} MiB", limits_.bytes >> 20), "body");
  if (*on_disk_ > 2 * limits_.all_bytes) throw busy(503, "too many files wait for their analysis", 10);
  auto upload = std::make_shared<Upload>();
  upload->id = random_id();
  upload->name = last_name(percent_decoded(request.header("x-filename")));
  if (upload->name.empty()) upload->name = "upload";
  upload->path = folder_ / (upload->id + safe_extension(upload->name));
  const Descriptor file(::open(upload->path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) throw busy(503, "the file cannot be stored", 10);
  request.read_body([&](std::string_view bytes) {
    receiving.received += bytes.size();
    if ((receiving_bytes_ += bytes.size()) > limits_.all_bytes) throw busy(503, "too much is being received", 10);
    if (receiving.received > limits_.bytes)
      throw HttpError(413, fmt::format("the file is larger than {} MiB", limits_.bytes >> 20), "body");
    while (!bytes.empty()) {
      const ssize_t written = TEMP_FAILURE_RETRY(::write(file.get(), bytes.data(), bytes.size()));
      if (written <= 0) throw busy(503, "the file cannot be stored", 10);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  });
  if (receiving.received == 0) throw HttpError(400, "the body is empty", "body", "send the bytes of an audio file");
  upload->bytes = receiving.received;
  *on_disk_ += upload->bytes;
  upload->on_disk = on_disk_;
  const std::lock_guard lock(mutex_);
  kept_.push_back({upload, steady_s() + static_cast<std::int64_t>(limits_.kept_s)});
  make_room();
  return upload;
}

void Uploads::make_room() {
  const std::int64_t now_s = steady_s();
  std::uint64_t bytes = 0;
  for (const Kept& one : kept_) bytes += one.upload->bytes;
  while (!kept_.empty() &&
         (kept_.size() > limits_.kept || bytes > limits_.all_bytes || kept_.front().until_s <= now_s)) {
    bytes -= kept_.front().upload->bytes;
    kept_.pop_front();
  }
}

std::shared_ptr<Upload> Uploads::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  make_room();
  const auto found = std::ranges::find(kept_, id, [](const Kept& one) { return one.upload->id; });
  if (found == kept_.end()) throw HttpError(404, "there is no such upload any more", id, "send the file again");
  return found->upload;
}

void Uploads::set_features(Upload& upload, std::vector<float> features) {
  const std::lock_guard lock(mutex_);
  upload.features = std::move(features);
}

std::vector<float> Uploads::features(const Upload& upload) const {
  const std::lock_guard lock(mutex_);
  return upload.features;
}

std::pair<std::size_t, std::uint64_t> Uploads::stored() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const Kept& one : kept_) bytes += one.upload->bytes;
  return {kept_.size(), bytes};
}

fs::path Uploads::scratch(const std::string& extension) {
  return folder_ / (random_id() + extension);
}

}  // namespace genrewise::server
