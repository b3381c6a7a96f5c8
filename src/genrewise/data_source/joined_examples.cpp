#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise {
namespace {

enum class Presence { everywhere, skipped, absent };  // skipped: a fault gives the reason

/// Leaves out tracks that are not in every table, and duplicate faults.
void keep_common(JoinedExamples& joined, const std::vector<Presence>& presence) {
  std::vector<std::size_t> common;
  for (std::size_t i = 0; i < presence.size(); ++i) {
    if (presence[i] == Presence::everywhere) common.push_back(i);
    if (presence[i] == Presence::absent)
      joined.skipped.push_back({"not in every table", joined.examples.subjects.ids[i], ""});
  }
  if (common.empty())
    throw Error("no track is in every table that the models are trained on", joined.examples.name,
                "use tables of this dataset with the same track ids");
  if (common.size() < presence.size()) {
    joined.examples = select_examples(joined.examples, common);
    drop_absent_genres(joined.examples);
  }
  std::set<std::pair<std::string, std::string>> reported;
  std::erase_if(joined.skipped, [&](const Fault& fault) {
    return !reported.insert({fault.where, fault.reason}).second;
  });
}

}  // namespace

JoinedExamples load_joined(const DataSource& source, const std::vector<std::string>& sets, const FeaturesPath& path_of,
                           Progress& progress) {
  source.require_used(sets);
  JoinedExamples joined;
  const auto path = [&source, path_of](const std::string& set) {
    const bool given = !source.table_of(set).empty() || !source.has_audio();
    return path_of(set, given ? 0 : make_feature_set(set)->size());
  };
  const auto note = [&](const FeatureTable& table, const std::string& set, double extract_s) {
    joined.features.push_back({table.recipe, table.columns.size(), extract_s});
    if (table.recipe.name == "table" && !set.empty()) joined.features.back().recipe.name = set;
  };
  const bool uses_own = !source.has_audio() || std::ranges::any_of(sets, [&](const std::string& set) {
    return set.empty() || (set == source.features() && source.table().empty());
  });
  source.extract_sets(sets, path_of, progress);
  const std::string first = uses_own ? "" : sets.front();
  LoadedExamples base = uses_own ? source.load_own(path_of("", source.extracted_columns()), progress)
                                 : source.with_genres(source.load_set(first, path(first), progress), progress);
  joined.examples = std::move(base.examples);
  joined.skipped = std::move(base.skipped);
  note(joined.examples.table, first, base.extract_s);

  std::set<std::string> seen = {"", first, joined.examples.table.recipe.name};
  std::vector<Presence> presence(joined.examples.subjects.ids.size(), Presence::everywhere);
  for (const std::string& set : sets) {
    if (!seen.insert(set).second) continue;
    const LoadedTable other = source.load_set(set, path(set), progress);
    note(other.table, set, other.extract_s);
    joined.skipped.insert(joined.skipped.end(), other.skipped.begin(), other.skipped.end());
    const std::set<std::string_view> there(other.table.track_ids.begin(), other.table.track_ids.end());
    const bool extracted = source.table_of(set).empty();
    for (std::size_t i = 0; i < presence.size(); ++i) {
      if (presence[i] != Presence::everywhere || there.contains(joined.examples.subjects.ids[i])) continue;
      presence[i] = extracted ? Presence::skipped : Presence::absent;
    }
  }
  keep_common(joined, presence);
  joined.table_of = [&source, path, &progress, ids = joined.examples.subjects.ids](const std::string& set) {
    return select_tracks(source.load_set(set, path(set), progress).table, ids);
  };
  return joined;
}

Examples join(const Dataset& dataset, FeatureTable table) {
  std::unordered_map<std::string_view, std::size_t> row_of;
  row_of.reserve(table.track_ids.size());
  for (std::size_t row = 0; row < table.track_ids.size(); ++row) {
    if (!row_of.emplace(table.track_ids[row], row).second)
      throw Error("the feature table has two rows for track " + table.track_ids[row], dataset.name,
                  "extract the features again");
  }
  std::vector<std::size_t> tracks, rows;
  for (std::size_t i = 0; i < dataset.tracks.size(); ++i) {
    const auto found = row_of.find(dataset.tracks[i].id);
    if (found == row_of.end() || dataset.tracks[i].label < 0) continue;
    tracks.push_back(i);
    rows.push_back(found->second);
  }
  if (tracks.empty())
    throw Error("the feature table has no row for any of its tracks", dataset.name,
                "use the table that was extracted from this dataset");

  Examples examples;
  examples.name = dataset.name;
  examples.subjects = select_subjects(subjects_of(dataset), tracks);
  examples.labels = examples.subjects.labels_by_name;
  drop_absent_genres(examples);
  examples.table.recipe = std::move(table.recipe);
  examples.table.columns = std::move(table.columns);
  examples.table.offsets = std::move(table.offsets);
  examples.table.track_ids = examples.subjects.ids;
  examples.table.values = table.values.select_rows(rows);
  return examples;
}

}  // namespace genrewise
