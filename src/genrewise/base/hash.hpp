// Checksums of files and recipes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace genrewise {

enum class HashKind { sha1, sha256 };

/// A checksum that is fed piece by piece (OpenSSL's implementation).
class Hasher {
 public:
  explicit Hasher(HashKind kind);
  ~Hasher();
  void update(std::string_view bytes);
  /// The sum in lower-case hexadecimal; the hasher is spent.
  std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256_hex(std::string_view bytes);

}  // namespace genrewise
