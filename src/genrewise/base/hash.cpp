#include "genrewise/base/hash.hpp"

#include <openssl/evp.h>

#include "genrewise/base/error.hpp"

namespace genrewise {

struct Hasher::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(md); }
};

Hasher::Hasher(HashKind kind) : context_(std::make_unique<Context>()) {
  if (EVP_DigestInit_ex(context_->md, kind == HashKind::sha1 ? EVP_sha1() : EVP_sha256(), nullptr) != 1) {
    throw Error("OpenSSL cannot start a checksum", kind == HashKind::sha1 ? "SHA-1" : "SHA-256");
  }
}

Hasher::~Hasher() = default;

void Hasher::update(std::string_view bytes) {
  EVP_DigestUpdate(context_->md, bytes.data(), bytes.size());
}

std::string Hasher::hex() {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_DigestFinal_ex(context_->md, sum, &length);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += kDigits[sum[i] >> 4];
    text += kDigits[sum[i] & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Hasher hasher(HashKind::sha256);
  hasher.update(bytes);
  return hasher.hex();
}

}  // namespace genrewise
