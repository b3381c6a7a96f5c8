#include "genrewise/dataset/genre_tree.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> find_genres(const fs::path& location) {
  for (const fs::path& candidate :
       {location / "genres.csv", location / "fma_metadata" / "genres.csv", location.parent_path() / "genres.csv"}) {
    std::error_code ignored;
    if (fs::is_regular_file(candidate, ignored)) return candidate;
  }
  return std::nullopt;
}

/// Title and top-level genre of each genre, by id.
struct Genres {
  std::map<std::string, std::string, std::less<>> title_of, top_of;
};

std::optional<Genres> read_genres(const fs::path& path) {
  const std::string text = read_file(path);
  CsvReader csv(text, path.string());
  std::vector<std::string_view> fields;
  if (!csv.next(fields)) return std::nullopt;
  const std::size_t count = fields.size();
  std::array<std::size_t, 3> columns{};
  const std::array names{"genre_id", "title", "top_level"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    columns[i] = static_cast<std::size_t>(std::ranges::find(fields, names[i]) - fields.begin());
    if (columns[i] == count) return std::nullopt;
  }
  Genres genres;
  while (csv.next(fields)) {
    if (fields.size() != count) continue;
    const std::string id(trimmed(fields[columns[0]]));
    genres.title_of[id] = trimmed(fields[columns[1]]);
    genres.top_of[id] = trimmed(fields[columns[2]]);
  }
  return genres;
}

}  // namespace

std::map<std::string, std::string> genre_tree(const fs::path& location, const std::vector<std::string>& labels) {
  const auto path = find_genres(location);
  const std::optional<Genres> genres = path ? read_genres(*path) : std::nullopt;
  if (!genres) return {};
  std::map<std::string, std::string> id_of;  // by title in lower case
  for (const auto& [id, title] : genres->title_of) id_of.emplace(lower_case(title), id);
  std::map<std::string, std::string> tree;
  bool any = false;
  for (const std::string& label : labels) {
    const auto id = id_of.find(lower_case(label));
    const auto top = id == id_of.end() ? genres->title_of.end() : genres->title_of.find(genres->top_of.at(id->second));
    const bool known = top != genres->title_of.end();
    tree[label] = known ? top->second : label;
    any |= known && top->first != id->second;
  }
  if (!any) tree.clear();
  return tree;
}

}  // namespace genrewise
