// Training, validation and test: assignment of examples to parts, without leakage.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/dataset/dataset.hpp"

namespace genrewise {

/// What a split needs to know of each example; all vectors have one entry per example.
struct SplitSubjects {
  std::vector<std::string> ids;
  std::vector<int> labels;
  std::vector<std::string> labels_by_name;   ///< label index -> name
  std::vector<std::string> artists, albums;  ///< empty text: not known
  std::vector<std::string> tracks;           ///< the same text for all clips of one file
  std::vector<std::optional<Part>> official;
  std::vector<Part> by_shard = {};  ///< where whole shards of a pack are parts; empty where there are no shards
};
SplitSubjects subjects_of(const Dataset& dataset);
/// Those of these rows, in that order; labels that are left without an example stay in the list.
SplitSubjects select_subjects(const SplitSubjects& subjects, const std::vector<std::size_t>& rows);
/// The group of each of these rows, for intervals over groups: its artist, else its album, else its track.
std::vector<std::string> groups_of(const SplitSubjects& subjects, const std::vector<std::size_t>& rows);

enum class SplitScheme { automatic, official, grouped, random, shards, file };
std::string_view to_string(SplitScheme scheme);
/// "auto", "official", "grouped", "random" or "shards" (a split from a file is not made here). Throws Error for any
/// other word.
SplitScheme parse_split_scheme(std::string_view text);

inline constexpr double kValidationShare = 0.16, kTestShare = 0.20;

struct SplitConfig {
  SplitScheme scheme = SplitScheme::automatic;  ///< official where the data states a part of any example, else grouped
  std::uint64_t seed = kDefaultSeed;
  /// Of the examples; nothing: kValidationShare, kTestShare. Given for a part that is stated, they are an Error.
  std::optional<double> validation_share{}, test_share{};
  std::filesystem::path file = {};  ///< the parts as this file (split_file.hpp) states them; the scheme stays automatic
};

struct Split {
  SplitScheme scheme = SplitScheme::random;  ///< never automatic
  std::uint64_t seed = kDefaultSeed;
  std::vector<Part> parts;  ///< one per example
  /// Sentences for whoever reads the scores: which part was not stated and is carved out of training.
  std::vector<std::string> notes = {};
  std::vector<std::size_t> rows(Part part) const;
};

/// `automatic`: the parts that the data (or config.file) states are kept, whatever they are. Examples without a part
/// are training examples. A validation or test part that no example has is carved out of training: by groups as in
/// `grouped`, stratified, in the proportion of the shares; a genre with too few groups for that stays in training.
/// `notes` says all this. Where no example has a part: `grouped`.
/// `official`: exactly as the dataset says; an example without a part is an Error, a part that no example has is not.
/// `grouped`: stratified by genre; examples that share an artist, an album or a file, directly or through others, stay
/// together. `random`: stratified by genre; only the clips of one file stay together. Every genre is in every part
/// whose share is not zero. `shards`: whole shards of a pack, as subjects.by_shard says. Same subjects (in any order)
/// and seed: same split on any machine. Throws Error where it cannot be done (a genre with fewer groups than parts),
/// naming the genre and the remedies. How: groups of about the same size in random order, largest first, each to the
/// part where it raises the least the chi-square distance of part sizes per genre from their targets.
Split make_split(const SplitSubjects& subjects, const SplitConfig& config = {});

/// Fold (0 .. folds-1) of each example, stratified and grouped as `grouped` / `random` do (automatic: grouped). Every
/// fold has examples and every genre is in at least two folds, or Error.
std::vector<int> make_folds(const SplitSubjects& subjects, SplitScheme scheme, int folds, std::uint64_t seed);

/// How much of the test (and validation) part has a relative in training.
struct Leakage {
  struct Crossing {
    std::string kind;                      ///< "artist", "album" or "track"
    std::size_t groups = 0, examples = 0;  ///< groups in two parts or more; their test and validation examples
    std::vector<std::string> samples;      ///< up to five names
  };
  std::vector<Crossing> crossings;  ///< one per kind, zeros included
};
/// {"kind", "groups", "examples", "samples"}.
void to_json(nlohmann::json& json, const Leakage::Crossing& crossing);
Leakage check_leakage(const SplitSubjects& subjects, const Split& split);

}  // namespace genrewise
