// Reader of zip archives in memory (PyTorch's weight files, Python wheels). Private to this module.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "genrewise/pretrained/weights/checked_bytes.hpp"

namespace genrewise {

/// The list of contents of a zip archive (PKWARE APPNOTE 6.3, with the 64-bit list of contents; archives and members
/// below 4 GiB). `bytes` and `name` must outlive it.
class ZipFile {
 public:
  /// `format`: what the archive should be, in errors. Throws Error if it is not a zip archive, its list of contents is
  /// damaged or its members overlap.
  ZipFile(std::string_view bytes, const std::string& name, const char* format = "zip archive");

  bool contains(std::string_view path) const { return members_.contains(path); }
  /// The first path in the archive, sorted, that ends in `ending`; empty if there is none.
  std::string path_ending_in(std::string_view ending) const;
  /// The bytes of an uncompressed member, without a copy. Throws Error if it is missing or compressed, or its CRC-32 is
  /// wrong.
  std::string_view stored(std::string_view path) const;
  /// The content of a stored or deflated member of at most `limit` bytes. Throws Error if it is missing, larger,
  /// compressed by another method, damaged, or its CRC-32 is wrong.
  std::string read(std::string_view path, std::size_t limit) const;

 private:
  struct Member {
    std::uint16_t method = 0;  // 0: stored, 8: deflated
    std::string_view bytes;    // as in the archive
    std::uint32_t size = 0, crc32 = 0;
  };
  const Member& member(std::string_view path) const;
  void check(std::string_view path, std::string_view content) const;
  std::uint64_t add_member(std::uint64_t& at);

  CheckedBytes file_;
  std::map<std::string, Member, std::less<>> members_;
};

}  // namespace genrewise
