// Splits into training, validation and test part, and folds, without leakage.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/dataset/dataset.hpp"

namespace genrewise {

/// Input of a split; all vectors but labels_by_name have one entry per example.
struct SplitSubjects {
  std::vector<std::string> ids;
  std::vector<int> labels;
  std::vector<std::string> labels_by_name;   ///< label index -> name
  std::vector<std::string> artists, albums;  ///< empty: unknown
  std::vector<std::string> tracks;           ///< equal for all clips of one file
  std::vector<std::optional<Part>> official;
  std::vector<Part> by_shard = {};  ///< the part if whole shards of a pack are parts; empty if there are no shards
};
SplitSubjects subjects_of(const Dataset& dataset);
/// Selects these rows, in that order; labels without examples stay in the list.
SplitSubjects select_subjects(const SplitSubjects& subjects, const std::vector<std::size_t>& rows);
/// Sets labels and labels_by_name from the genre of each example.
void set_labels(SplitSubjects& subjects, std::span<const std::string> genres);
/// Label of each of these rows.
std::vector<int> labels_of(const SplitSubjects& subjects, std::span<const std::size_t> rows);
/// Group of each of these rows, for intervals over groups: its artist, else its album, else its track.
std::vector<std::string> groups_of(const SplitSubjects& subjects, const std::vector<std::size_t>& rows);

enum class SplitScheme { automatic, official, grouped, random, shards, fault_filtered, file };
std::string_view to_string(SplitScheme scheme);
/// Parses "auto", "official", "grouped", "random", "shards" or "fault-filtered". Throws Error for any other text.
SplitScheme parse_split_scheme(std::string_view text);

inline constexpr double kValidationShare = 0.16, kTestShare = 0.20;

struct SplitConfig {
  SplitScheme scheme = SplitScheme::automatic;  ///< official if the data states any part, else grouped
  std::uint64_t seed = kDefaultSeed;
  /// Shares of the examples; default: kValidationShare, kTestShare. Error if given for a part that the data states.
  std::optional<double> validation_share{}, test_share{};
  std::filesystem::path file = {};  ///< file with the parts (read_split_file()); requires the scheme automatic
};

struct Split {
  SplitScheme scheme = SplitScheme::random;  ///< never automatic
  std::uint64_t seed = kDefaultSeed;
  std::vector<Part> parts;  ///< one per example
  /// Sentences for the report: which part was not stated and was carved out of training.
  std::vector<std::string> notes = {};
  std::vector<std::size_t> rows(Part part) const;
  std::vector<std::size_t> rows_except(Part part) const;
};

/// Assigns each example to a part.
/// `automatic`: keeps the parts that the data (or config.file) states. Examples without a part are training examples.
/// If no example is in validation or test, that part is carved out of training: by groups as in `grouped`, stratified,
/// in proportion to the shares; a genre with too few groups stays in training. `notes` reports this. If the data states
/// no part at all: `grouped`.
/// `official`: exactly the parts of the dataset; an example without a part is an Error, an empty part is not.
/// `fault_filtered`: the same; the data source has set GTZAN's parts (fault_filtered_part()) as those of the dataset.
/// `grouped`: stratified by genre; examples that share an artist, an album or a file (transitively) stay together.
/// `random`: stratified by genre; only the clips of one file stay together. With both, every genre is in every part
/// whose share is not zero. `shards`: whole shards of a pack (subjects.by_shard).
/// The same subjects (in any order) and seed give the same split on any machine. Throws Error if a genre has fewer
/// groups than there are parts, naming the genre and the remedies.
/// Method: groups in order of decreasing size (random among about equal sizes), each to the part where it increases the
/// chi-square distance of part sizes per genre from their targets the least.
Split make_split(const SplitSubjects& subjects, const SplitConfig& config = {});

/// Fold (0 .. folds-1) of each example, stratified and grouped as in `grouped` or `random` (automatic: grouped). Every
/// fold has examples, and every genre is in at least two folds. Throws Error if that is impossible.
std::vector<int> make_folds(const SplitSubjects& subjects, SplitScheme scheme, int folds, std::uint64_t seed);

/// Groups (artists, albums, tracks) that appear in more than one part of a split.
struct Leakage {
  struct Crossing {
    std::string kind;                      ///< "artist", "album" or "track"
    std::size_t groups = 0, examples = 0;  ///< groups in more than one part; their validation and test examples
    std::vector<std::string> samples;      ///< up to five names
  };
  std::vector<Crossing> crossings;  ///< one per kind, zeros included
};
/// {"kind", "groups", "examples", "samples"}.
void to_json(nlohmann::json& json, const Leakage::Crossing& crossing);
Leakage check_leakage(const SplitSubjects& subjects, const Split& split);

// Split files: CSV with the columns track_id,part.

/// Writes one row per example, in the order of the subjects; the file appears once it is complete. Throws Error if it
/// cannot be written.
void write_split_file(const std::filesystem::path& path, const SplitSubjects& subjects, const Split& split);

/// Reads the part of each subject by its id. Rows of other ids are ignored, so that the file of a dataset also serves a
/// subset. Throws Error (with the line) for a missing column, an unknown part or a repeated id, and if a subject has no
/// row.
Split read_split_file(const std::filesystem::path& path, const SplitSubjects& subjects);

// GTZAN: its file names and its fault-filtered split.

/// Whether every id is that of an excerpt of GTZAN: blues.00000 to rock.00099, with or without folder and extension.
/// False if there are none.
bool is_gtzan(std::span<const std::string> ids);

/// Part of the excerpt in the fault-filtered split (Kereliuk, Sturm and Larsen, "Deep learning and music adversaries",
/// 2015; 443 training, 197 validation and 290 test excerpts, in which no recording is repeated and no artist is in two
/// parts). Empty for the 70 excerpts that it leaves out and for other ids.
std::optional<Part> fault_filtered_part(std::string_view id);

/// Disjoint sets with path halving.
class UnionFind {
 public:
  explicit UnionFind(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0u); }
  std::size_t find(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) { parent_[find(a)] = find(b); }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace genrewise
