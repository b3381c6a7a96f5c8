// Who learns, who chooses, who judges: assignment of examples to parts, without leakage.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
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
};
SplitSubjects subjects_of(const Dataset& dataset);

enum class SplitScheme { automatic, official, grouped, random };

struct SplitOptions {
  SplitScheme scheme = SplitScheme::automatic;  ///< official where every part is there, else grouped
  std::uint64_t seed = kDefaultSeed;
  double validation_share = 0.16, test_share = 0.20;
};

struct Split {
  SplitScheme scheme = SplitScheme::random;  ///< never automatic
  std::uint64_t seed = kDefaultSeed;
  std::vector<Part> parts;  ///< one per example
  std::vector<std::size_t> rows(Part part) const;
};

/// `official`: as the dataset says (an example without a part is an Error). `grouped`: stratified by genre; examples
/// that share an artist, an album or a file, directly or through others, stay together. `random`: stratified by genre;
/// only the clips of one file stay together. Same subjects and seed: same split on any machine. Throws Error where it
/// cannot be done (a genre with fewer groups than parts), naming the genre and the remedy.
Split make_split(const SplitSubjects& subjects, const SplitOptions& options = {});

/// Fold (0 .. folds-1) of each example, stratified and grouped as `grouped` / `random` do.
std::vector<int> make_folds(const SplitSubjects& subjects, SplitScheme scheme, int folds, std::uint64_t seed);

/// How much of the test (and validation) part has a relative in training.
struct Leakage {
  struct Crossing {
    std::string kind;                      ///< "artist", "album" or "track"
    std::size_t groups = 0, examples = 0;  ///< groups on two sides; test and validation examples in such groups
    std::vector<std::string> samples;      ///< up to five names
  };
  std::vector<Crossing> crossings;  ///< one per kind, zeros included
};
Leakage check_leakage(const SplitSubjects& subjects, const Split& split);

}  // namespace genrewise
