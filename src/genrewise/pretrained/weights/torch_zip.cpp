#include "genrewise/pretrained/weights/torch_zip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <cstdint>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

std::uint32_t crc32_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

}  // namespace

void damaged_torch_file(const std::string& name, const std::string& problem) {
  throw Error("is not a valid PyTorch file: " + problem, name, "get the file again");
}

ZipMembers zip_members(std::string_view bytes, const std::string& name) {
  constexpr std::uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kEntry = 0x02014b50, kLocal = 0x04034b50;
  constexpr std::size_t kEndSize = 22, kLocatorSize = 20;
  const ZipBytes file(bytes, name);
  if (file.size() < kEndSize) damaged_torch_file(name, "it is truncated");
  std::size_t end = file.size() - kEndSize;
  const std::size_t lowest = end > 0xffff ? end - 0xffff : 0;
  while (file.number<std::uint32_t>(end) != kEnd) {
    if (end-- == lowest) damaged_torch_file(name, "it has no list of contents (truncated?)");
  }
  std::uint64_t count = file.number<std::uint16_t>(end + 10), at = file.number<std::uint32_t>(end + 16);
  if ((count == 0xffff || at == 0xffffffff) && end >= kLocatorSize) {
    const auto end64 = file.number<std::uint64_t>(end - kLocatorSize + 8);
    if (file.number<std::uint32_t>(end64) != kEnd64) damaged_torch_file(name, "its list of contents is damaged");
    count = file.number<std::uint64_t>(end64 + 32);
    at = file.number<std::uint64_t>(end64 + 48);
  }
  ZipMembers members;
  std::size_t members_bytes = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (file.number<std::uint32_t>(at) != kEntry) damaged_torch_file(name, "its list of contents is damaged");
    const auto method = file.number<std::uint16_t>(at + 10);
    const auto size = file.number<std::uint32_t>(at + 24);
    const auto name_size = file.number<std::uint16_t>(at + 28);
    const std::uint64_t extra_size = file.number<std::uint16_t>(at + 30),
                        note_size = file.number<std::uint16_t>(at + 32);
    const auto local = file.number<std::uint32_t>(at + 42);
    const std::string_view path = file.slice(at + 46, name_size);
    if (method != 0) damaged_torch_file(name, "a member is compressed, which PyTorch never does");
    if (size == 0xffffffff || local == 0xffffffff) damaged_torch_file(name, "it is over 4 GiB");
    if (file.number<std::uint32_t>(local) != kLocal) damaged_torch_file(name, "its list of contents is damaged");
    const std::size_t data =
        local + 30 + file.number<std::uint16_t>(local + 26) + file.number<std::uint16_t>(local + 28);
    const std::string_view content = file.slice(data, size);
    members_bytes += size;
    if (members_bytes > bytes.size()) damaged_torch_file(name, "its members overlap");
    if (crc32_of(content) != file.number<std::uint32_t>(at + 16))
      damaged_torch_file(name, fmt::format("the checksum of its member {} does not fit", path));
    const auto slash = path.find('/');
    members.emplace(path.substr(slash == path.npos ? 0 : slash + 1), content);
    at += 46 + name_size + extra_size + note_size;
  }
  return members;
}

}  // namespace genrewise
