#include "genrewise/base/json_file.hpp"

#include "genrewise/base/hash.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

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

std::string problem_of(const json::exception& error) {
  const std::string_view text = error.what();
  const std::size_t prefix = text.starts_with('[') ? text.find("] ") : std::string_view::npos;
  return std::string(prefix == std::string_view::npos ? text : text.substr(prefix + 2));
}

json parse_json(std::string_view text, const std::string& where, const std::string& remedy) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) throw Error("is empty", where, remedy);
  // Recursive functions of the library (comparison, output) run out of stack on deep nesting.
  const auto check_depth = [&](int depth, json::parse_event_t event, const json&) {
    constexpr int kDeepest = 100;
    const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth >= kDeepest) throw Error("is not usable JSON (nested too deeply)", where, remedy);
    return true;
  };
  try {
    return json::parse(text, check_depth);
  } catch (const json::exception& error) {
    throw Error("is not valid JSON: " + problem_of(error), where, remedy);
  }
}

json try_parse_json(std::string_view text) {
  try {
    return parse_json(text, {});
  } catch (const Error&) {
    return json::value_t::discarded;
  }
}

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

std::string sealed_text(json object, int indent) {
  object["sha256"] = open_seal();
  std::string text = object.dump(indent, ' ', false, json::error_handler_t::replace) + "\n";
  seal(text);
  return text;
}

SealedJson parse_sealed_json(std::string_view text, const std::string& where, const std::string& remedy) {
  SealedJson found{parse_json(text, where, remedy), Seal::absent};
  if (!found.value.is_object()) throw Error("is not a JSON object", where, remedy);
  const auto sum = found.value.find("sha256");
  if (sum == found.value.end()) return found;
  const auto* digits = sum->get_ptr<const std::string*>();
  found.seal = digits != nullptr && !digits->empty() ? seal_of(text, *digits) : Seal::broken;
  found.value.erase(sum);
  return found;
}

json require_sealed_json(std::string_view text, const std::string& where, const std::string& remedy) {
  SealedJson found = parse_sealed_json(text, where, remedy);
  if (found.seal == Seal::broken) throw Error("was changed or damaged (its checksum does not fit)", where, remedy);
  return std::move(found.value);
}

}  // namespace genrewise
