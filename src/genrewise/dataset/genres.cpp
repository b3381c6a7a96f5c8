#include "genrewise/dataset/genres.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/grouping.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using Names = std::vector<std::string>;

bool has(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// "A=B" -> {A, B}. Names may contain equals signs: splits at the one that separates two existing genres.
std::pair<std::string, std::string> parse_merge(const std::string& text, const Names& genres) {
  const std::size_t first = text.find('=');
  for (std::size_t at = first; at != std::string::npos; at = text.find('=', at + 1)) {
    const std::string from = text.substr(0, at), to = text.substr(at + 1);
    if (!has(genres, from) || !has(genres, to)) continue;
    if (from == to)
      throw UsageError(fmt::format("'{}' is merged with itself", from), "--merge", "give two different genres");
    return {from, to};
  }
  const std::string remedy = fmt::format("write GENRE=GENRE with two of: {}", fmt::join(genres, ", "));
  if (first == std::string::npos)
    throw UsageError(fmt::format("'{}' does not name two genres", text), "--merge", remedy);
  const std::string from = text.substr(0, first), to = text.substr(first + 1);
  throw UsageError(fmt::format("there is no genre '{}'", has(genres, from) ? to : from), "--merge", remedy);
}

std::map<std::string, std::string> parse_merges(const Names& texts, const Names& genres) {
  std::map<std::string, std::string> target_of;
  for (const std::string& text : texts) {
    const auto [from, to] = parse_merge(text, genres);
    const auto [known, is_new] = target_of.emplace(from, to);
    if (!is_new && known->second != to)
      throw UsageError(fmt::format("'{}' is merged into both '{}' and '{}'", from, known->second, to), "--merge",
                       "give one of them");
  }
  for (const auto& [from, to] : target_of) {
    const auto next = target_of.find(to);
    if (next != target_of.end())
      throw UsageError(
          fmt::format("'{}' is merged into '{}', which is itself merged into '{}'", from, to, next->second), "--merge",
          "give the genre that both are merged into");
  }
  return target_of;
}

template <class Keep>
void keep_labels(GenreSelection& selection, const Keep& keep) {
  std::vector<int> new_label(selection.labels.size(), -1);
  Names kept;
  for (std::size_t label = 0; label < new_label.size(); ++label) {
    if (!keep(label)) continue;
    new_label[label] = static_cast<int>(kept.size());
    kept.push_back(selection.labels[label]);
  }
  for (int& label : selection.label_of) label = label < 0 ? label : new_label[static_cast<std::size_t>(label)];
  selection.labels = std::move(kept);
}

void merge(GenreSelection& selection, const GenreConfig& config) {
  const Names genres = selection.labels;
  const auto target_of = parse_merges(config.merge, genres);
  const auto index = [&](const std::string& genre) {
    return static_cast<int>(std::ranges::find(genres, genre) - genres.begin());
  };
  for (const auto& [from, to] : target_of) {
    const int old_label = index(from);
    selection.notes.push_back(fmt::format("{} examples of {} count as {} (--merge).",
                                          std::ranges::count(selection.label_of, old_label), from, to));
    std::ranges::replace(selection.label_of, old_label, index(to));
  }
  keep_labels(selection, [&](std::size_t label) { return !target_of.contains(genres[label]); });
}

/// Number of genres above this one.
std::size_t depth_of(const std::string& genre, const GenreConfig& config) {
  const auto parent = config.parents.find(genre);
  return parent == config.parents.end() ? 0 : 1 + depth_of(parent->second, config);
}

/// Counts each genre with too few groups as its parent, the deepest first.
void fold_small(GenreSelection& selection, SplitSubjects& merged, const Groups& groups, const GenreConfig& config) {
  Names genres, folded;
  for (const int label : merged.labels) genres.push_back(merged.labels_by_name[static_cast<std::size_t>(label)]);
  for (;;) {
    set_labels(merged, genres);
    const std::vector<std::size_t> sizes = groups.per_label();
    std::size_t small = sizes.size(), depth = 0;
    for (std::size_t label = 0; label < sizes.size(); ++label) {
      const std::size_t its_depth = depth_of(merged.labels_by_name[label], config);
      if (sizes[label] < config.min_groups && its_depth > depth) small = label, depth = its_depth;
    }
    if (small == sizes.size()) break;
    const std::string genre = merged.labels_by_name[small], parent = config.parents.at(genre);
    folded.push_back(fmt::format("{} as {} ({} groups, {} examples)", genre, parent, sizes[small],
                                 std::ranges::count(genres, genre)));
    std::ranges::replace(genres, genre, parent);
  }
  selection.labels = merged.labels_by_name;
  selection.label_of = merged.labels;
  if (!folded.empty())
    selection.notes.push_back(
        fmt::format("Genres with fewer than {} groups count as the genre that they are a part of (--min-groups): {}.",
                    config.min_groups, fmt::join(folded, ", ")));
}

void leave_out(GenreSelection& selection, SplitSubjects merged, const GenreConfig& config) {
  merged.labels = selection.label_of;
  merged.labels_by_name = selection.labels;
  const Groups all = make_groups(merged, config.by_artist);
  if (!config.parents.empty()) fold_small(selection, merged, all, config);
  const std::vector<std::size_t> groups = all.per_label();
  Names left_out;
  for (std::size_t label = 0; label < groups.size(); ++label) {
    if (groups[label] >= config.min_groups) continue;
    left_out.push_back(fmt::format("{} ({} groups, {} examples)", selection.labels[label], groups[label],
                                   std::ranges::count(selection.label_of, static_cast<int>(label))));
  }
  if (left_out.empty()) return;
  if (left_out.size() == groups.size())
    throw UsageError(
        fmt::format("no genre has {} groups of examples: {}", config.min_groups, fmt::join(left_out, ", ")),
        "--min-groups", "give a smaller number");
  selection.notes.push_back(fmt::format("Genres with fewer than {} groups of {} are left out (--min-groups): {}.",
                                        config.min_groups, config.by_artist ? "one artist, album or file" : "one file",
                                        fmt::join(left_out, ", ")));
  keep_labels(selection, [&](std::size_t label) { return groups[label] >= config.min_groups; });
}

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

GenreSelection select_genres(const SplitSubjects& subjects, const GenreConfig& config) {
  GenreSelection selection{.labels = subjects.labels_by_name, .label_of = subjects.labels, .notes = {}};
  if (!config.merge.empty()) merge(selection, config);
  if (config.min_groups > 0) leave_out(selection, subjects, config);
  return selection;
}

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
