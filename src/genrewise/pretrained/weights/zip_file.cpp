#include "genrewise/pretrained/weights/zip_file.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <span>

#include "genrewise/records/compression.hpp"

namespace genrewise {
namespace {

constexpr std::uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kEntry = 0x02014b50, kLocal = 0x04034b50;
constexpr std::size_t kEndSize = 22, kLocatorSize = 20, kEntrySize = 46, kLocalSize = 30;
constexpr std::uint32_t kIn64 = 0xffffffff;  // the value is in a 64-bit field
constexpr std::uint16_t kStored = 0, kDeflated = 8;

/// Where the record at the end of the archive starts; an archive comment may follow it.
std::size_t end_record(const CheckedBytes& file) {
  if (file.size() < kEndSize) file.damaged("it is truncated");
  std::size_t end = file.size() - kEndSize;
  const std::size_t lowest = end > 0xffff ? end - 0xffff : 0;
  while (file.number<std::uint32_t>(end) != kEnd)
    if (end-- == lowest) file.damaged("it has no list of contents (truncated?)");
  return end;
}

}  // namespace

ZipFile::ZipFile(std::string_view bytes, const std::string& name, const char* format) : file_(bytes, name, format) {
  const std::size_t end = end_record(file_);
  std::uint64_t count = file_.number<std::uint16_t>(end + 10), at = file_.number<std::uint32_t>(end + 16);
  if ((count == 0xffff || at == kIn64) && end >= kLocatorSize) {
    const auto end64 = file_.number<std::uint64_t>(end - kLocatorSize + 8);
    if (file_.number<std::uint32_t>(end64) != kEnd64) file_.damaged("its list of contents is damaged");
    count = file_.number<std::uint64_t>(end64 + 32);
    at = file_.number<std::uint64_t>(end64 + 48);
  }
  std::uint64_t packed = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    packed += add_member(at);
    if (packed > file_.size()) file_.damaged("its members overlap");
  }
}

/// Adds the member of the entry at `at` in the list of contents, moves `at` to the next entry, and returns the size of
/// the member in the archive.
std::uint64_t ZipFile::add_member(std::uint64_t& at) {
  if (file_.number<std::uint32_t>(at) != kEntry) file_.damaged("its list of contents is damaged");
  Member member;
  member.method = file_.number<std::uint16_t>(at + 10);
  member.crc32 = file_.number<std::uint32_t>(at + 16);
  const auto packed = file_.number<std::uint32_t>(at + 20);
  member.size = file_.number<std::uint32_t>(at + 24);
  const auto name_size = file_.number<std::uint16_t>(at + 28);
  const std::uint64_t extra_size = file_.number<std::uint16_t>(at + 30),
                      note_size = file_.number<std::uint16_t>(at + 32);
  const std::uint64_t local = file_.number<std::uint32_t>(at + 42);
  if (packed == kIn64 || member.size == kIn64 || local == kIn64) file_.damaged("it is over 4 GiB");
  if (file_.number<std::uint32_t>(local) != kLocal) file_.damaged("its list of contents is damaged");
  const std::uint64_t data =
      local + kLocalSize + file_.number<std::uint16_t>(local + 26) + file_.number<std::uint16_t>(local + 28);
  member.bytes = file_.slice(data, packed);
  if (member.method == kStored && packed != member.size) file_.damaged("the sizes of a member differ");
  members_.emplace(file_.slice(at + kEntrySize, name_size), member);
  at += kEntrySize + name_size + extra_size + note_size;
  return packed;
}

const ZipFile::Member& ZipFile::member(std::string_view path) const {
  const auto found = members_.find(path);
  if (found == members_.end()) file_.damaged(fmt::format("it holds no {}", path));
  return found->second;
}

std::string ZipFile::path_ending_in(std::string_view ending) const {
  for (const auto& [path, member] : members_)
    if (path.ends_with(ending)) return path;
  return {};
}

std::string_view ZipFile::stored(std::string_view path) const {
  const Member& found = member(path);
  if (found.method != kStored) file_.damaged(fmt::format("{} is compressed", path));
  check(path, found.bytes);
  return found.bytes;
}

void ZipFile::check(std::string_view path, std::string_view content) const {
  if (::crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())) !=
      member(path).crc32)
    file_.damaged(fmt::format("the checksum of its member {} does not fit", path));
}

std::string ZipFile::read(std::string_view path, std::size_t limit) const {
  const Member& found = member(path);
  if (found.size > limit) file_.damaged(fmt::format("{} has {} bytes; at most {} are read", path, found.size, limit));
  std::string content(found.size, '\0');
  if (found.method == kStored) {
    content = found.bytes;
  } else if (found.method == kDeflated) {
    auto in = std::as_bytes(std::span(found.bytes));
    auto out = std::as_writable_bytes(std::span(content));
    std::byte none{};  // one more byte than announced, to reach the end of the stream and to detect a longer one
    std::span<std::byte> rest(&none, 1);
    Inflater inflater = Inflater::raw();
    if (inflater.read(in, out) == Inflater::Status::damaged || !out.empty() ||
        inflater.read(in, rest) != Inflater::Status::end || rest.empty())
      file_.damaged(fmt::format("{} cannot be decompressed to {} bytes", path, found.size));
  } else {
    file_.damaged(
        fmt::format("{} is compressed by method {}; only stored and deflated members are read", path, found.method));
  }
  check(path, content);
  return content;
}

}  // namespace genrewise
