#include "genrewise/storage/wildcards.hpp"

#include <filesystem>

#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/uri.hpp"

namespace genrewise {
namespace {

// Matches `c` against the set ("[a-z]" or "[!a-z]") at the front of `pattern` and removes the set; nothing if it is not
// closed.
std::optional<bool> matches_set(char c, std::string_view& pattern) {
  std::size_t at = 1;
  const bool inverted = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (inverted) ++at;
  bool found = false;
  for (bool first = true; at < pattern.size(); first = false) {
    if (pattern[at] == ']' && !first) {
      pattern.remove_prefix(at + 1);
      return found != inverted && c != '/';
    }
    const char low = pattern[at++];
    char high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      high = pattern[at + 1];
      at += 2;
    }
    const auto value = [](char letter) { return static_cast<unsigned char>(letter); };
    found = found || (value(low) <= value(c) && value(c) <= value(high));
  }
  return std::nullopt;
}

}  // namespace

// Backtracks to the last star (of each kind) on a mismatch, so time is bounded by the product of the lengths.
bool matches_wildcards(std::string_view name, std::string_view pattern) {
  struct Retry {
    std::string_view name, pattern;
    bool set = false;
  } one, any;
  for (;;) {
    bool fits = false;
    if (pattern.starts_with("**")) {
      pattern.remove_prefix(2);
      any = {name, pattern, true};
      one.set = false;
      continue;
    }
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      one = {name, pattern, true};
      continue;
    }
    if (name.empty() && pattern.empty()) return true;
    if (!name.empty() && !pattern.empty()) {
      const char c = name.front();
      if (pattern.front() == '?') {
        fits = c != '/';
        pattern.remove_prefix(1);
      } else if (std::string_view rest = pattern; pattern.front() == '[') {
        const auto in_set = matches_set(c, rest);
        fits = in_set ? *in_set : c == '[';
        pattern = in_set ? rest : pattern.substr(1);
      } else {
        if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
        fits = c == pattern.front();
        pattern.remove_prefix(1);
      }
      name.remove_prefix(1);
    }
    if (fits) continue;
    if (one.set && !one.name.empty() && one.name.front() != '/') {
      one.name.remove_prefix(1);
      name = one.name;
      pattern = one.pattern;
    } else if (any.set && !any.name.empty()) {
      any.name.remove_prefix(1);
      name = any.name;
      pattern = any.pattern;
      one.set = false;
    } else {
      return false;
    }
  }
}

std::vector<FileInfo> list_matching(const std::string& pattern) {
  std::vector<FileInfo> found;
  const auto store = store_of(pattern);
  const std::size_t wild = pattern.find_first_of("*?[\\");
  if (wild == std::string::npos) {
    std::error_code ignored;
    const bool folder =
        pattern.ends_with('/') ||
        (is_remote(pattern) ? parse_uri(pattern).key.empty() : std::filesystem::is_directory(pattern, ignored));
    if (folder) {
      store->list(join_location(pattern, ""), /*deep=*/false, [&](FileInfo file) { found.push_back(std::move(file)); });
    } else if (auto file = store->find(pattern)) {
      found.push_back(std::move(*file));
    }
    return found;
  }
  const bool deep = pattern.find('/', wild) != std::string::npos || pattern.find("**", wild) != std::string::npos;
  store->list(pattern.substr(0, wild), deep, [&](FileInfo file) {
    if (matches_wildcards(file.location, pattern)) found.push_back(std::move(file));
  });
  return found;
}

}  // namespace genrewise
