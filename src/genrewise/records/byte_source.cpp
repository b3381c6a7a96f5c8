#include "genrewise/records/byte_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/records/compression.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/storage/local_store.hpp"

namespace genrewise {
namespace {

class LocalFile final : public RandomAccess {
 public:
  explicit LocalFile(std::string path) : path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw_system_error("cannot open", path_);
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || S_ISDIR(status.st_mode)) {
      ::close(descriptor_);
      throw Error("is not a file", path_, "name a file of records");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~LocalFile() override { ::close(descriptor_); }
  LocalFile(const LocalFile&) = delete;
  LocalFile& operator=(const LocalFile&) = delete;

  std::uint64_t size() const override { return size_; }

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    return read_at_offset(descriptor_, offset, into, path_);
  }

 private:
  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

class RemoteObject final : public RandomAccess {
 public:
  explicit RemoteObject(const ObjectInfo& object) : reader_(open_store(object.place)->open(object)) {}
  std::uint64_t size() const override { return reader_->size(); }
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    return reader_->read_at(offset, into);
  }
  void prefetch(std::span<const ByteRange> ranges) const override { reader_->prefetch(ranges); }

 private:
  std::unique_ptr<ObjectReader> reader_;
};

class PlainSource final : public ByteSource {
 public:
  PlainSource(std::unique_ptr<RandomAccess> file, std::string name)
      : file_(std::move(file)), hints_(*file_), name_(std::move(name)) {
    hints_.reading(0);
    start_bytes_ = file_->read_at(0, start_);
  }

  /// The first bytes, which are not read by that.
  std::span<const std::byte> start() const { return std::span(start_).first(start_bytes_); }

  std::size_t read(std::span<std::byte> into) override {
    const auto known = start().subspan(std::min<std::size_t>(at_, start_bytes_));
    const std::size_t count = std::min(into.size(), known.size());
    std::ranges::copy(known.first(count), into.data());
    at_ += count;
    hints_.reading(at_);
    const std::size_t got = file_->read_at(at_, into.subspan(count));
    at_ += got;
    return count + got;
  }
  std::optional<std::uint64_t> bytes_left() const override { return file_->size() - std::min(at_, file_->size()); }
  const std::string& name() const override { return name_; }

 private:
  std::unique_ptr<RandomAccess> file_;
  SequentialHints hints_;
  std::string name_;
  std::array<std::byte, kRecordHeaderBytes> start_{};
  std::size_t start_bytes_ = 0;
  std::uint64_t at_ = 0;
};

class InflatingSource final : public ByteSource {
 public:
  explicit InflatingSource(std::unique_ptr<ByteSource> stored)
      : stored_(std::move(stored)), inflater_(Inflater::whole()), buffer_(1 << 18) {}

  std::size_t read(std::span<std::byte> into) override {
    const std::size_t asked = into.size();
    while (!into.empty() && !ended_) {
      if (waiting_.empty()) {
        waiting_ = std::span<const std::byte>(buffer_).first(stored_->read(buffer_));
        last_ = waiting_.size() < buffer_.size();
      }
      const std::size_t room = into.size();
      const auto status = inflater_.read(waiting_, into);
      const bool cut = waiting_.empty() && last_ && into.size() == room && status == Inflater::Status::more;
      ended_badly_ = status == Inflater::Status::damaged || cut;
      ended_ = ended_badly_ || (status == Inflater::Status::end && last_);
    }
    return asked - into.size();
  }
  bool ended_badly() const override { return ended_badly_; }
  const std::string& name() const override { return stored_->name(); }

 private:
  std::unique_ptr<ByteSource> stored_;
  Inflater inflater_;
  std::vector<std::byte> buffer_;
  std::span<const std::byte> waiting_;
  bool last_ = false, ended_ = false, ended_badly_ = false;
};

// A sound record header decides before the marks of gzip and zlib do: lengths may begin with the same bytes.
bool looks_compressed(std::span<const std::byte> start) {
  if (start.size() < 2) return false;
  if (start.size() >= kRecordHeaderBytes && payload_length(start)) return false;
  const auto first = std::to_integer<unsigned>(start[0]), second = std::to_integer<unsigned>(start[1]);
  const bool gzip = first == 0x1f && second == 0x8b;
  const bool zlib = (first & 0x0f) == 8 && (first >> 4) <= 7 && (first * 256 + second) % 31 == 0;
  return gzip || zlib;
}

}  // namespace

void SequentialHints::reading(std::uint64_t offset) {
  constexpr std::uint64_t kAhead = 32 << 20;
  if (told_ >= place_.size() || offset + kAhead < told_) return;
  const ByteRange next{std::max(told_, offset), kAhead};
  place_.prefetch({&next, 1});
  told_ = next.offset + next.bytes;
}

std::unique_ptr<RandomAccess> open_random_access(const ObjectInfo& object) {
  if (is_remote(object.place)) return std::make_unique<RemoteObject>(object);
  return std::make_unique<LocalFile>(object.place);
}

std::unique_ptr<RandomAccess> open_random_access(const std::string& path) {
  if (is_remote(path)) {
    const auto found = find_object(path);
    if (!found) throw Error("there is no such object", path, "check the name; `genrewise list` shows what is there");
    return open_random_access(*found);
  }
  return std::make_unique<LocalFile>(path);
}

std::unique_ptr<ByteSource> open_record_bytes(const std::string& path) {
  return open_record_bytes(open_random_access(path), path);
}

std::unique_ptr<ByteSource> open_record_bytes(std::unique_ptr<RandomAccess> place, std::string name) {
  auto plain = std::make_unique<PlainSource>(std::move(place), std::move(name));
  if (!looks_compressed(plain->start())) return plain;
  return std::make_unique<InflatingSource>(std::move(plain));
}

}  // namespace genrewise
