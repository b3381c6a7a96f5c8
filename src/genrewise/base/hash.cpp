#include "genrewise/base/hash.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <new>
#include <span>

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

constexpr std::size_t kBlock = std::size_t{3} << 20U;  // bytes per call of OpenSSL, which counts in int
constexpr std::size_t kTextBlock = kBlock / 3 * 4;

unsigned char* bytes_of(std::string& text, std::size_t at) {
  return reinterpret_cast<unsigned char*>(text.data() + at);
}
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
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
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(message), message.size(), sum, &length) ==
      nullptr) {
    throw Error("OpenSSL cannot compute this code", "HMAC-SHA256", "check the OpenSSL configuration");
  }
  return {reinterpret_cast<const char*>(sum), length};
}

std::string to_hex(std::string_view bytes) {
  return fmt::format("{:02x}", fmt::join(std::span(bytes_of(bytes), bytes.size()), ""));
}

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends each block with a zero
  for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
    const std::string_view block = bytes.substr(at, kBlock);
    EVP_EncodeBlock(bytes_of(text, at / 3 * 4), bytes_of(block), static_cast<int>(block.size()));
  }
  text.pop_back();
  return text;
}

std::string from_base64(std::string_view text) {
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::string bytes(text.size() / 4 * 3, '\0');
  for (std::size_t at = 0; at < text.size(); at += kTextBlock) {
    const std::string_view block = text.substr(at, kTextBlock);
    const int written = EVP_DecodeBlock(bytes_of(bytes, at / 4 * 3), bytes_of(block), static_cast<int>(block.size()));
    if (block.size() % 4 != 0 || written != static_cast<int>(block.size() / 4 * 3))
      throw Error("the text is not base64");
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace genrewise
