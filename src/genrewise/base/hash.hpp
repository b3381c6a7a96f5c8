// Checksums of files and recipes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace genrewise {

enum class HashKind { md5, sha1, sha256 };

/// A checksum that is fed piece by piece (OpenSSL's implementation).
class Hasher {
 public:
  explicit Hasher(HashKind kind);
  ~Hasher();
  void update(std::string_view bytes);
  /// The sum in lower-case hexadecimal; the hasher is spent.
  std::string hex();
  /// The same as bytes.
  std::string digest();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256_hex(std::string_view bytes);

/// HMAC with SHA-256 (RFC 2104): 32 bytes, not text.
std::string hmac_sha256(std::string_view key, std::string_view message);

/// Bytes in lower-case hexadecimal.
std::string to_hex(std::string_view bytes);

}  // namespace genrewise
