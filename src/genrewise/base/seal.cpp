#include "genrewise/base/seal.hpp"

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kDigits = 64;

/// Position of the digits of the member "sha256" with this value. A quote inside a JSON string is escaped, so the name
/// with bare quotes occurs nowhere else.
std::size_t find_digits(std::string_view bytes, std::string_view digits) {
  for (const char* name : {"\"sha256\":\"", "\"sha256\": \""}) {
    const std::string member = name + std::string(digits) + "\"";
    if (const std::size_t at = bytes.find(member); at != std::string_view::npos)
      return at + member.size() - 1 - digits.size();
  }
  return std::string_view::npos;
}

}  // namespace

std::string open_seal() {
  return std::string(kDigits, '0');
}

void seal(std::string& bytes) {
  const std::size_t at = find_digits(bytes, open_seal());
  if (at == std::string::npos) throw Error("there is no member \"sha256\" for the checksum");
  bytes.replace(at, kDigits, sha256_hex(bytes));
}

Seal seal_of(std::string_view bytes, std::string_view digits) {
  if (digits.empty()) return Seal::absent;
  const std::size_t at = digits.size() == kDigits ? find_digits(bytes, digits) : std::string_view::npos;
  if (at == std::string_view::npos) return Seal::broken;
  Hasher hasher(HashKind::sha256);
  hasher.update(bytes.substr(0, at));
  hasher.update(open_seal());
  hasher.update(bytes.substr(at + kDigits));
  return hasher.hex() == digits ? Seal::sound : Seal::broken;
}

}  // namespace genrewise
