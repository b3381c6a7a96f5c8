// Checksums of files and recipes, and bytes as text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace genrewise {

enum class HashKind { md5, sha1, sha256 };

/// Incremental checksum (OpenSSL).
class Hasher {
 public:
  /// Throws Error if OpenSSL does not provide the method.
  explicit Hasher(HashKind kind);
  ~Hasher();
  void update(std::string_view bytes);
  /// Finishes and returns the checksum in lower-case hexadecimal. Call once; update() must not follow.
  std::string hex();
  /// The same as raw bytes.
  std::string digest();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// SHA-256 of `bytes` in lower-case hexadecimal.
std::string sha256_hex(std::string_view bytes);

/// HMAC-SHA256 (RFC 2104) as 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view message);

/// Converts bytes to lower-case hexadecimal.
std::string to_hex(std::string_view bytes);

/// Base64 (RFC 4648) with padding, without line breaks.
std::string to_base64(std::string_view bytes);
/// The bytes of to_base64(). Throws Error for any other text.
std::string from_base64(std::string_view text);

}  // namespace genrewise
