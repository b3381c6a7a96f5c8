#include "genrewise/base/json_file.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr std::size_t kDeepest = 100;

/// Recursive functions of the library (comparison, output) run out of stack on deep nesting.
bool nests_too_deeply(std::string_view text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::string problem_of(const json::exception& error) {
  const std::string_view text = error.what();
  const std::size_t prefix = text.starts_with('[') ? text.find("] ") : std::string_view::npos;
  return std::string(prefix == std::string_view::npos ? text : text.substr(prefix + 2));
}

json parse_json(std::string_view text, const std::string& where, const std::string& remedy) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) throw Error("is empty", where, remedy);
  if (nests_too_deeply(text)) throw Error("is not usable JSON (nested too deeply)", where, remedy);
  try {
    return json::parse(text);
  } catch (const json::exception& error) {
    throw Error("is not valid JSON: " + problem_of(error), where, remedy);
  }
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
  found.seal = sum->is_string() ? seal_of(text, sum->get_ref<const std::string&>()) : Seal::broken;
  if (sum->is_string() && sum->get_ref<const std::string&>().empty()) found.seal = Seal::broken;
  found.value.erase(sum);
  return found;
}

json require_sealed_json(std::string_view text, const std::string& where, const std::string& remedy) {
  SealedJson found = parse_sealed_json(text, where, remedy);
  if (found.seal == Seal::broken) throw Error("was changed or damaged (its checksum does not fit)", where, remedy);
  return std::move(found.value);
}

}  // namespace genrewise
