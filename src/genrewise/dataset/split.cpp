#include "genrewise/dataset/split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/dataset/grouping.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

constexpr std::array kParts{Part::training, Part::validation, Part::test};
constexpr std::array<std::string_view, 7> kSchemeNames{"auto",   "official",       "grouped", "random",
                                                       "shards", "fault-filtered", "file"};

std::string example_name(const SplitSubjects& subjects, std::size_t i) {
  return fmt::format("track {}", subjects.ids[i]);
}

void check_subjects(const SplitSubjects& subjects) {
  const std::size_t count = subjects.ids.size();
  if (count == 0) throw Error("there are no examples to split");
  if (subjects.labels.size() != count || subjects.artists.size() != count || subjects.albums.size() != count ||
      subjects.tracks.size() != count || subjects.official.size() != count ||
      (!subjects.by_shard.empty() && subjects.by_shard.size() != count)) {
    throw Error("the lists of a split's subjects differ in length");
  }
  const int label_count = static_cast<int>(subjects.labels_by_name.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (subjects.labels[i] < 0 || subjects.labels[i] >= label_count) {
      throw Error("has no genre, so it cannot be split", example_name(subjects, i));
    }
  }
}

std::vector<Part> official_parts(const SplitSubjects& subjects) {
  std::vector<Part> parts;
  for (std::size_t i = 0; i < subjects.ids.size(); ++i) {
    if (!subjects.official[i]) {
      throw Error("has no part in the official split", example_name(subjects, i),
                  "choose the scheme auto, which adds it to training, or grouped or random");
    }
    parts.push_back(*subjects.official[i]);
  }
  return parts;
}

void check_shares(const SplitConfig& config) {
  const double validation = config.validation_share.value_or(kValidationShare);
  const double test = config.test_share.value_or(kTestShare);
  if (!(validation >= 0 && test >= 0 && validation + test < 1))
    throw Error(fmt::format("the shares {} (validation) and {} (test) leave nothing for training", validation, test),
                {}, "give shares of at least 0 whose sum is below 1");
  const bool has_own_sizes = config.scheme == SplitScheme::official || config.scheme == SplitScheme::shards ||
                             config.scheme == SplitScheme::fault_filtered;
  if (has_own_sizes && (config.validation_share || config.test_share))
    throw UsageError(fmt::format("the parts of the scheme {} have their own sizes", to_string(config.scheme)),
                     config.validation_share ? "--validation" : "--test", "leave the option out");
}

std::vector<Part> drawn_parts(const SplitSubjects& subjects, const SplitConfig& config, bool by_artist) {
  const double validation_share = config.validation_share.value_or(kValidationShare);
  const double test_share = config.test_share.value_or(kTestShare);
  std::vector<double> shares;
  std::vector<Part> parts_used;
  const std::array all_shares{1 - validation_share - test_share, validation_share, test_share};
  for (std::size_t p = 0; p < kParts.size(); ++p) {
    if (all_shares[p] == 0) continue;
    shares.push_back(all_shares[p]);
    parts_used.push_back(kParts[p]);
  }
  const auto bins = distribute(make_groups(subjects, by_artist), shares, shares.size(),
                               derive_seed(config.seed, by_artist ? "split grouped" : "split random"));
  std::vector<Part> parts;
  for (const std::size_t bin : bins) parts.push_back(parts_used[bin]);
  return parts;
}

}  // namespace

std::string_view to_string(SplitScheme scheme) {
  return kSchemeNames[static_cast<std::size_t>(scheme)];
}

SplitScheme parse_split_scheme(std::string_view text) {
  const auto named = std::span(kSchemeNames).first(static_cast<std::size_t>(SplitScheme::file));
  const auto found = std::ranges::find(named, text);
  if (found != named.end()) return static_cast<SplitScheme>(found - named.begin());
  throw Error(fmt::format("there is no split scheme '{}'", text), "--scheme",
              "choose auto, official, grouped, random, shards or fault-filtered");
}

SplitSubjects subjects_of(const Dataset& dataset) {
  SplitSubjects subjects;
  subjects.labels_by_name = dataset.labels;
  for (const Track& track : dataset.tracks) {
    subjects.ids.push_back(track.id);
    subjects.labels.push_back(track.label);
    subjects.artists.push_back(track.artist);
    subjects.albums.push_back(track.album);
    subjects.tracks.push_back(track.path.string());
    subjects.official.push_back(track.official_part);
  }
  return subjects;
}

SplitSubjects select_subjects(const SplitSubjects& subjects, const std::vector<std::size_t>& rows) {
  SplitSubjects selected;
  const auto pick = [&](const auto& from, auto& to) {
    to.reserve(rows.size());
    for (const std::size_t row : rows) to.push_back(from[row]);
  };
  pick(subjects.ids, selected.ids);
  pick(subjects.labels, selected.labels);
  pick(subjects.artists, selected.artists);
  pick(subjects.albums, selected.albums);
  pick(subjects.tracks, selected.tracks);
  pick(subjects.official, selected.official);
  if (!subjects.by_shard.empty()) pick(subjects.by_shard, selected.by_shard);
  selected.labels_by_name = subjects.labels_by_name;
  return selected;
}

void set_labels(SplitSubjects& subjects, std::span<const std::string> genres) {
  const std::set<std::string_view> names(genres.begin(), genres.end());
  subjects.labels_by_name.assign(names.begin(), names.end());
  subjects.labels.clear();
  for (const std::string& genre : genres) {
    const auto at = std::ranges::lower_bound(subjects.labels_by_name, genre);
    subjects.labels.push_back(static_cast<int>(at - subjects.labels_by_name.begin()));
  }
}

std::vector<std::size_t> Split::rows(Part part) const {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == part) rows.push_back(i);
  }
  return rows;
}

std::vector<std::size_t> Split::rows_except(Part part) const {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] != part) rows.push_back(i);
  }
  return rows;
}

Split make_split(const SplitSubjects& subjects, const SplitConfig& config) {
  check_subjects(subjects);
  check_shares(config);
  if (!config.file.empty()) {
    if (config.scheme != SplitScheme::automatic)
      throw UsageError("a split from a file has no scheme", "--scheme", "leave --scheme or --split-file out");
    const Split read = read_split_file(config.file, subjects);
    return complete_split(subjects, {read.parts.begin(), read.parts.end()}, SplitScheme::file, config);
  }
  Split split{.scheme = config.scheme, .seed = config.seed, .parts = {}};
  if (split.scheme == SplitScheme::automatic) {
    const auto is_stated = [](const std::optional<Part>& part) { return part.has_value(); };
    if (std::ranges::any_of(subjects.official, is_stated))
      return complete_split(subjects, subjects.official, SplitScheme::official, config);
    split.scheme = SplitScheme::grouped;
  }
  if (split.scheme == SplitScheme::official || split.scheme == SplitScheme::fault_filtered) {
    split.parts = official_parts(subjects);
  } else if (split.scheme == SplitScheme::grouped || split.scheme == SplitScheme::random) {
    split.parts = drawn_parts(subjects, config, split.scheme == SplitScheme::grouped);
  } else if (split.scheme == SplitScheme::shards) {
    if (subjects.by_shard.empty())
      throw Error("only a pack has shards to use as parts", "--scheme", "choose grouped or random");
    split.parts = subjects.by_shard;
  } else {
    throw Error("a split from a file is read, not made", {}, "use read_split_file()");
  }
  return split;
}

std::vector<int> make_folds(const SplitSubjects& subjects, SplitScheme scheme, int folds, std::uint64_t seed) {
  check_subjects(subjects);
  if (folds < 2) throw Error(fmt::format("the number of folds is {}", folds), "--folds", "give at least 2");
  if (scheme != SplitScheme::grouped && scheme != SplitScheme::random && scheme != SplitScheme::automatic) {
    throw Error("the scheme of folds must be grouped or random", "--scheme");
  }
  const bool by_artist = scheme != SplitScheme::random;
  const std::vector<double> shares(static_cast<std::size_t>(folds), 1.0 / folds);
  const auto bins = distribute(make_groups(subjects, by_artist), shares, 2,
                               derive_seed(seed, by_artist ? "folds grouped" : "folds random"));
  return {bins.begin(), bins.end()};
}

void to_json(nlohmann::json& json, const Leakage::Crossing& crossing) {
  json = {{"kind", crossing.kind},
          {"groups", crossing.groups},
          {"examples", crossing.examples},
          {"samples", crossing.samples}};
}

Leakage check_leakage(const SplitSubjects& subjects, const Split& split) {
  if (split.parts.size() != subjects.ids.size()) throw Error("the split belongs to other examples");
  struct Group {
    std::set<Part> parts;
    std::size_t held_out = 0;  // test and validation examples
  };
  Leakage leakage;
  const auto check = [&](std::string kind, const std::vector<std::string>& names) {
    std::map<std::string, Group> groups;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i].empty()) continue;
      Group& group = groups[names[i]];
      group.parts.insert(split.parts[i]);
      group.held_out += split.parts[i] != Part::training;
    }
    Leakage::Crossing crossing{.kind = std::move(kind), .groups = 0, .examples = 0, .samples = {}};
    for (const auto& [name, group] : groups) {
      if (group.parts.size() < 2) continue;
      ++crossing.groups;
      crossing.examples += group.held_out;
      if (crossing.samples.size() < 5) crossing.samples.push_back(name);
    }
    leakage.crossings.push_back(std::move(crossing));
  };
  check("artist", subjects.artists);
  check("album", subjects.albums);
  check("track", subjects.tracks);
  return leakage;
}

std::vector<int> labels_of(const SplitSubjects& subjects, std::span<const std::size_t> rows) {
  std::vector<int> labels;
  for (const std::size_t row : rows) labels.push_back(subjects.labels[row]);
  return labels;
}

std::vector<std::string> groups_of(const SplitSubjects& subjects, const std::vector<std::size_t>& rows) {
  std::vector<std::string> groups;
  groups.reserve(rows.size());
  for (const std::size_t row : rows) {
    groups.push_back(!subjects.artists[row].empty()  ? "artist " + subjects.artists[row]
                     : !subjects.albums[row].empty() ? "album " + subjects.albums[row]
                                                     : "track " + subjects.tracks[row]);
  }
  return groups;
}

void write_split_file(const std::filesystem::path& path, const SplitSubjects& subjects, const Split& split) {
  if (split.parts.size() != subjects.ids.size()) throw Error("the split belongs to other examples", path.string());
  std::string text = "track_id,part\n";
  for (std::size_t i = 0; i < subjects.ids.size(); ++i) {
    append_csv_field(text, subjects.ids[i]);
    text += ',';
    text += to_string(split.parts[i]);
    text += '\n';
  }
  write_file(path, text);
}

Split read_split_file(const std::filesystem::path& path, const SplitSubjects& subjects) {
  NamedCsv csv(path);
  csv.require({"track_id", "split"}, "create the split with genrewise split: it writes the columns track_id and part");
  std::unordered_map<std::string, Part> parts;
  std::vector<std::pair<std::string, Part>> trimmed_ids;  // other programs write blanks around them
  while (csv.next()) {
    const auto part = parse_part(csv.get("split"));
    if (!part) {
      throw Error(fmt::format("the part is '{}'", csv.get("split")), csv.where(), "write training, validation or test");
    }
    const std::string_view id = csv.get_untrimmed("track_id"), plain = trimmed(id);
    if (!parts.try_emplace(std::string(id), *part).second)
      throw Error(fmt::format("the track_id '{}' occurs twice", id), csv.where(), "remove one of the rows");
    if (plain != id) trimmed_ids.emplace_back(plain, *part);
  }
  parts.insert(trimmed_ids.begin(), trimmed_ids.end());
  Split split{.scheme = SplitScheme::file, .seed = 0, .parts = {}};
  for (const std::string& id : subjects.ids) {
    const auto found = parts.find(id);
    if (found == parts.end()) {
      throw Error(fmt::format("has no row for the track '{}'", id), path.string(),
                  "create the split from this dataset with genrewise split");
    }
    split.parts.push_back(found->second);
  }
  return split;
}

}  // namespace genrewise
