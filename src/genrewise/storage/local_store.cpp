#include "genrewise/storage/local_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/local_file.hpp"
#include "genrewise/storage/utc.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

std::string version_of(const struct stat& status) {
  return fmt::format("{}.{:09}-{}-{}", status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size, status.st_ino);
}

class LocalReader final : public ObjectReader {
 public:
  explicit LocalReader(const ObjectInfo& object) : path_(object.place), version_(object.version) {
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw_system_error("cannot open", path_);
    struct stat status {};
    if (::fstat(descriptor_, &status) == 0) size_ = static_cast<std::uint64_t>(status.st_size);
    if (version_.empty()) version_ = version_of(status);
  }
  ~LocalReader() override { ::close(descriptor_); }
  LocalReader(const LocalReader&) = delete;
  LocalReader& operator=(const LocalReader&) = delete;

  std::uint64_t size() const override { return size_; }

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw_system_error("cannot read", path_);
    if (version_of(status) != version_) {
      throw Error("was changed while it was read", path_, "start again when nobody writes there");
    }
    return read_at_offset(descriptor_, offset, into, path_);
  }

 private:
  std::string path_, version_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

class LocalWriter final : public ObjectWriter {
 public:
  explicit LocalWriter(const std::string& path) : file_(path) {}
  void write(std::string_view bytes) override { file_.write(bytes); }
  void commit() override { file_.commit(); }

 private:
  AtomicFile file_;
};

class LocalStore final : public ObjectStore {
 public:
  void list(const std::string& prefix, bool deep, const std::function<void(ObjectInfo)>& each) override {
    const fs::path folder = prefix.substr(0, prefix.find_last_of('/') + 1);
    std::vector<ObjectInfo> found;
    try {
      walk(folder, prefix, deep, found);
    } catch (const fs::filesystem_error& error) {
      throw Error("cannot be listed (" + error.code().message() + ")", error.path1().string(), "check the path");
    }
    std::ranges::sort(found, {}, &ObjectInfo::place);
    for (auto& object : found) each(std::move(object));
  }

  std::optional<ObjectInfo> find(const std::string& place) override {
    struct stat status {};
    if (::stat(place.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      throw_system_error("cannot be looked at", place);
    }
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    return ObjectInfo{place, static_cast<std::uint64_t>(status.st_size), version_of(status),
                      utc_text(status.st_mtim.tv_sec)};
  }

  std::unique_ptr<ObjectReader> open(const ObjectInfo& object) override {
    return std::make_unique<LocalReader>(object);
  }
  std::unique_ptr<ObjectWriter> create(const std::string& place, std::uint64_t) override {
    make_folders(fs::absolute(place).parent_path());
    return std::make_unique<LocalWriter>(place);
  }
  void remove(const std::string& place) override {
    if (::unlink(place.c_str()) != 0 && errno != ENOENT) throw_system_error("cannot be removed", place);
  }

 private:
  // Folders that cannot lead to the prefix are not entered.
  void walk(const fs::path& folder, const std::string& prefix, bool deep, std::vector<ObjectInfo>& found) {
    for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder)) {
      const std::string place = (folder / entry.path().filename()).string();
      if (!place.starts_with(prefix)) continue;
      if (entry.is_directory()) {
        if (deep && !entry.is_symlink()) walk(folder / entry.path().filename(), prefix, deep, found);
      } else if (auto object = find(place)) {
        found.push_back(std::move(*object));
      }
    }
  }
};

}  // namespace

std::size_t read_at_offset(int descriptor, std::uint64_t offset, std::span<std::byte> into, const std::string& path) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(descriptor, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error("cannot read", path);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::shared_ptr<ObjectStore> make_local_store() {
  return std::make_shared<LocalStore>();
}

}  // namespace genrewise
