#include "genrewise/base/base64.hpp"

#include <openssl/evp.h>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kBlock = std::size_t{3} << 20U;  // bytes per call of OpenSSL, which counts in int

unsigned char* bytes_of(std::string& text, std::size_t at) {
  return reinterpret_cast<unsigned char*>(text.data() + at);
}
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

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
  for (std::size_t at = 0; at < text.size(); at += kBlock / 3 * 4) {
    const std::string_view block = text.substr(at, kBlock / 3 * 4);
    const int written = EVP_DecodeBlock(bytes_of(bytes, at / 4 * 3), bytes_of(block), static_cast<int>(block.size()));
    if (block.size() % 4 != 0 || written != static_cast<int>(block.size() / 4 * 3))
      throw Error("the text is not base64");
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace genrewise
