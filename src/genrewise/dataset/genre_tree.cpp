#include "genrewise/dataset/genre_tree.hpp"

#include <algorithm>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

struct Genre {
  std::string title, top;  ///< `top`: id of its top-level genre
};

/// By id; empty for a file with other columns.
std::map<std::string, Genre> read_genres(const fs::path& path) {
  const std::string text = read_file(path);
  CsvReader csv(text, path.string());
  std::vector<std::string_view> fields;
  std::map<std::string, Genre> genres;
  if (!csv.next(fields)) return genres;
  const std::size_t count = fields.size();
  const auto column = [&](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(fields, name) - fields.begin());
  };
  const std::size_t id = column("genre_id"), title = column("title"), top = column("top_level");
  if (std::max({id, title, top}) == count) return genres;
  while (csv.next(fields)) {
    if (fields.size() == count)
      genres[std::string(fields[id])] = {std::string(fields[title]), std::string(fields[top])};
  }
  return genres;
}

}  // namespace

std::map<std::string, std::string> genre_tree(const fs::path& location, const std::vector<std::string>& labels) {
  const fs::path candidates[] = {location / "genres.csv", location / "fma_metadata" / "genres.csv",
                                 location.parent_path() / "genres.csv"};
  std::error_code ignored;
  const auto path =
      std::ranges::find_if(candidates, [&](const auto& each) { return fs::is_regular_file(each, ignored); });
  if (path == std::end(candidates)) return {};
  const std::map<std::string, Genre> genres = read_genres(*path);
  std::map<std::string, std::string> tree;
  bool any = false;
  for (const std::string& label : labels) {
    tree[label] = label;
    for (const auto& [id, genre] : genres) {
      if (lower_case(genre.title) != lower_case(label) || !genres.contains(genre.top)) continue;
      tree[label] = genres.at(genre.top).title;
      any |= genre.top != id;
    }
  }
  if (!any) tree.clear();
  return tree;
}

}  // namespace genrewise
