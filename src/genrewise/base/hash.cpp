#include "genrewise/base/hash.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <new>

#include "genrewise/base/error.hpp"

namespace genrewise {

struct Hasher::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(md); }
};

namespace {

const EVP_MD* method_of(HashKind kind) {
  const EVP_MD* (*const methods[])() = {EVP_md5, EVP_sha1, EVP_sha256};
  return methods[static_cast<std::size_t>(kind)]();
}

}  // namespace

Hasher::Hasher(HashKind kind) : context_(std::make_unique<Context>()) {
  if (OPENSSL_init_crypto(0, nullptr) != 1 || context_->md == nullptr) throw std::bad_alloc();
  if (EVP_DigestInit_ex(context_->md, method_of(kind), nullptr) != 1) {
    throw Error("OpenSSL cannot compute this checksum", EVP_MD_get0_name(method_of(kind)),
                "check the OpenSSL configuration (a FIPS mode disables old methods)");
  }
}

Hasher::~Hasher() = default;

void Hasher::update(std::string_view bytes) {
  EVP_DigestUpdate(context_->md, bytes.data(), bytes.size());
}

std::string Hasher::digest() {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_DigestFinal_ex(context_->md, sum, &length);
  return {reinterpret_cast<const char*>(sum), length};
}

std::string Hasher::hex() {
  return to_hex(digest());
}

std::string sha256_hex(std::string_view bytes) {
  Hasher hasher(HashKind::sha256);
  hasher.update(bytes);
  return hasher.hex();
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), sum, &length) == nullptr) {
    throw Error("OpenSSL cannot compute this code", "HMAC-SHA256", "check the OpenSSL configuration");
  }
  return {reinterpret_cast<const char*>(sum), length};
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace genrewise
