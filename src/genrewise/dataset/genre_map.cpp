#include "genrewise/dataset/genre_map.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

std::string_view genre_map_yaml();  // built in from tables/genre_map.yaml

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSeparators = ";|\\,/\0"sv;

/// name_key(), with "/" for each separator, so that "Jazz; Funk" is not "Jazz-Funk".
std::string key_of(std::string_view text) {
  std::string key;
  for (std::size_t at = 0, end; at <= text.size(); at = end + 1) {
    end = std::min(text.find_first_of(kSeparators, at), text.size());
    key += (at == 0 ? "" : "/") + name_key(text.substr(at, end - at));
  }
  return key;
}

constexpr std::uint64_t kMostBytes = 1 << 20;
constexpr int kMostLevels = 16;  // of parents

struct IgnoredEvents : YAML::EventHandler {
  using Mark = YAML::Mark;
  using Anchor = YAML::anchor_t;
  using Style = YAML::EmitterStyle::value;
  void OnDocumentStart(const Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const Mark&, Anchor) override {}
  void OnAlias(const Mark&, Anchor) override {}
  void OnScalar(const Mark&, const std::string&, Anchor, const std::string&) override {}
  void OnSequenceStart(const Mark&, const std::string&, Anchor, Style) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const Mark&, const std::string&, Anchor, Style) override {}
  void OnMapEnd() override {}
};

/// The number of documents, at most 2: YAML::LoadAll() never ends where text that belongs to no document is left over.
int documents_in(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  IgnoredEvents events;
  int documents = 0;
  while (documents < 2 && parser.HandleNextDocument(events)) ++documents;
  return documents;
}

/// The entries of a file, as far as they can be understood on their own.
struct MapFile {
  struct Parent {
    std::string genre;  // empty: none
    YAML::Mark mark;
  };

  MapFile(const std::string& text, std::string name) : where(std::move(name)) {
    try {
      const YAML::Node document = YAML::Load(text);
      if (documents_in(text) != 1 || !document.IsMap()) fail({}, "holds no genres, or something else");
      for (const auto& entry : document) read(entry.first, entry.second);
    } catch (const YAML::Exception& error) {
      fail(error.mark, error.msg);
    }
  }

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& problem) const {
    throw Error(problem, fmt::format("{}:{}:{}", where, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1),
                "write a line such as \"Metal: {parent: Rock, names: [heavy metal, doom]}\" for each genre");
  }

  std::map<std::string, std::string> genre_of;  // by key
  std::map<std::string, Parent> parents;        // that the file states
  std::string where;

 private:
  std::string text_of(const YAML::Node& node) const {
    const std::string text = node.IsScalar() ? std::string(trimmed(node.Scalar())) : "";
    if (text.empty()) fail(node.Mark(), "a name is expected here");
    return text;
  }

  void read(const YAML::Node& key, const YAML::Node& value) {
    const std::string genre = key.IsNull() ? "" : text_of(key);
    if (!genres_.insert(key_of(genre)).second) fail(key.Mark(), fmt::format("'{}' is defined twice", genre));
    if (!genre.empty()) add_name(key, genre);
    if (!value.IsMap()) return add_names(value, genre);
    for (const auto& member : value) {
      const std::string what = text_of(member.first);
      if (what == "names") {
        add_names(member.second, genre);
      } else if (what == "parent" && !genre.empty()) {
        parents[genre] = {member.second.IsNull() ? "" : text_of(member.second), member.second.Mark()};
      } else {
        fail(member.first.Mark(), fmt::format("'{}' is not 'names' or 'parent'", what));
      }
    }
  }

  void add_names(const YAML::Node& names, const std::string& genre) {
    if (names.IsScalar()) return add_name(names, genre);
    if (names.IsMap()) fail(names.Mark(), "a list of names is expected here");
    for (const YAML::Node& name : names) add_name(name, genre);
  }

  void add_name(const YAML::Node& name, const std::string& genre) {
    const std::string text = text_of(name);
    const auto [known, is_new] = genre_of.emplace(key_of(text), genre);
    if (!is_new && known->second != genre)
      fail(name.Mark(), fmt::format("'{}' is a name of '{}' and of '{}'", text, known->second, genre));
  }

  std::set<std::string> genres_;  // keys of the genres themselves
};

}  // namespace

const GenreMap& GenreMap::standard() {
  static const GenreMap map = [] {
    GenreMap made;
    made.add(std::string(genre_map_yaml()), "genre_map.yaml");
    return made;
  }();
  return map;
}

GenreMap::GenreMap(const std::filesystem::path& file) : GenreMap(standard()) {
  if (const auto found = find_file(file); found && found->bytes > kMostBytes)
    throw Error("is larger than 1 MiB", file.string(), "give a YAML file of genres and their spellings");
  add(read_file(file), file.string());
}

void GenreMap::add(const std::string& text, const std::string& where) {
  const MapFile file(text, where);
  for (const auto& [key, genre] : file.genre_of) genre_of_[key] = genre;
  // What was a genre may be a spelling now.
  const auto now = [&](const std::string& genre) { return genre.empty() ? genre : genre_of_.at(key_of(genre)); };
  for (auto& [key, genre] : genre_of_) genre = now(genre);
  for (const auto& [child, parent] : std::exchange(parents_, {}))
    if (key_of(now(child)) == key_of(child) && !now(parent).empty() && now(parent) != now(child))
      parents_[now(child)] = now(parent);
  for (const auto& [genre, parent] : file.parents) {
    const std::string found = find(parent.genre).value_or("");
    if (found.empty() && !parent.genre.empty())
      file.fail(parent.mark, fmt::format("the parent '{}' is not a genre of the map", parent.genre));
    parents_.erase(genre);
    if (!found.empty()) parents_[genre] = found;
  }
  const auto check = [&](const std::string& genre, const YAML::Mark& mark) {
    std::string above = genre;
    for (int level = 0; parents_.contains(above); ++level) {
      if (level == kMostLevels) file.fail(mark, fmt::format("the parents of '{}' are a circle, or too many", genre));
      above = parents_.at(above);
    }
  };
  for (const auto& [genre, parent] : file.parents) check(genre, parent.mark);
  for (const auto& [genre, parent] : parents_) check(genre, {});  // names alone can close a circle
}

std::optional<std::string> GenreMap::find(std::string_view spelling, bool top_level) const {
  std::string key = key_of(spelling);
  const auto found = genre_of_.find(key);
  if (found == genre_of_.end()) {
    if (key.ends_with('s')) key.pop_back();  // of a decade: "80s"
    const auto is_letter = [](unsigned char c) { return std::isalpha(c) || c >= 0x80; };
    return std::ranges::any_of(key, is_letter) ? std::nullopt : std::optional<std::string>("");
  }
  std::string genre = found->second;
  for (auto at = parents_.find(genre); top_level && at != parents_.end(); at = parents_.find(genre)) genre = at->second;
  return genre;
}

void GenreMap::split(std::string_view value, std::vector<std::string>& parts) const {
  constexpr std::size_t kMostJoined = 4;  // parts of one name: "Folk, World, & Country"
  value = trimmed(value);
  const bool known = find(value).has_value();
  for (const std::string_view separators : {";|\\\0"sv, ","sv, "/"sv}) {
    if (known || value.find_first_of(separators) == std::string_view::npos) continue;
    for (std::size_t at = 0; at <= value.size();) {
      std::array<std::size_t, kMostJoined> ends{};
      std::size_t count = 0;
      for (std::size_t from = at; count < kMostJoined && from <= value.size(); from = ends[count++] + 1)
        ends[count] = std::min(value.find_first_of(separators, from), value.size());
      while (count > 1 && !find(value.substr(at, ends[count - 1] - at)).value_or("").size()) --count;
      split(value.substr(at, ends[count - 1] - at), parts);
      at = ends[count - 1] + 1;
    }
    return;
  }
  if (!value.empty()) parts.emplace_back(value);
}

std::vector<std::string> GenreMap::fold(std::span<const std::string> values, bool top_level) const {
  std::vector<std::string> parts, genres;
  for (const std::string& value : values) split(value, parts);
  for (const std::string& part : parts) {
    const std::string genre = find(part, top_level).value_or(part);
    if (!genre.empty() && std::ranges::find(genres, genre) == genres.end()) genres.push_back(genre);
  }
  return genres;
}

}  // namespace genrewise
