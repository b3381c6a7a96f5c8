// The zip archive around a PyTorch weight file. Private to this module.
#pragma once

#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

namespace genrewise {

/// Throws Error "is not a valid PyTorch file: problem".
[[noreturn]] void damaged_torch_file(const std::string& name, const std::string& problem);

/// Bounds-checked numbers from untrusted bytes.
class ZipBytes {
 public:
  ZipBytes(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}
  std::size_t size() const { return bytes_.size(); }
  std::string_view slice(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) damaged_torch_file(name_, "it is truncated");
    return bytes_.substr(at, count);
  }
  template <class T>
  T number(std::size_t at) const {
    T value;
    std::memcpy(&value, slice(at, sizeof(T)).data(), sizeof(T));
    return value;
  }

 private:
  std::string_view bytes_;
  const std::string& name_;
};

using ZipMembers = std::map<std::string, std::string_view, std::less<>>;

/// The members of a zip archive with uncompressed members (PyTorch compresses nothing), by their path below the
/// archive's single folder. Throws Error.
ZipMembers zip_members(std::string_view bytes, const std::string& name);

}  // namespace genrewise
