// Bounds-checked reading of untrusted files. Private to this module.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// Views the bytes of a file; both must outlive it. Numbers are little-endian.
class CheckedBytes {
 public:
  /// `name`: location in errors; `format`: what the file should be, in errors ("PyTorch file").
  CheckedBytes(std::string_view bytes, const std::string& name, const char* format)
      : bytes_(bytes), name_(name), format_(format) {}

  std::size_t size() const { return bytes_.size(); }
  const std::string& name() const { return name_; }

  /// Throws Error "is not a valid FORMAT: PROBLEM".
  [[noreturn]] void damaged(const std::string& problem) const {
    throw Error(std::string("is not a valid ") + format_ + ": " + problem, name_, "get the file again");
  }
  /// Throws Error if the range is not inside the file.
  std::string_view slice(std::uint64_t at, std::uint64_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) damaged("it is truncated");
    return bytes_.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
  }
  template <class T>
  T number(std::uint64_t at) const {
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, slice(at, sizeof(T)).data(), sizeof(T));
    return value;
  }

 private:
  std::string_view bytes_;
  const std::string& name_;
  const char* format_;
};

}  // namespace genrewise
