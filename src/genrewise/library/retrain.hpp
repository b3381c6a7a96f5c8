// A classifier for the owner's genres, fitted on stored features.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/library/catalogue.hpp"

namespace genrewise {

struct RetrainConfig {
  bool tags = true;                      ///< genres of tags, besides corrections, which win
  std::filesystem::path genre_map = {};  ///< folds spellings (GenreMap); empty: the standard map
  bool top_genres = false;               ///< genres of tags are folded into their top-level genres
  std::string features = {};             ///< stored feature set; empty: the one that most tracks have
  std::string classifier = "logreg";     ///< [KIND:NAME=VALUE...], as for `genrewise train`
  std::size_t min_tracks = 5;            ///< genres with fewer tracks, or fewer than three artists, are left out
  int folds = 5;                         ///< at most: few artists allow fewer
  std::filesystem::path output = {};     ///< model file; empty: beside the catalogue, "library-N.gwm"
  bool force = false;                    ///< replaces the current model although it is not better
  bool dry_run = false;                  ///< only evaluates
  std::uint64_t seed = kDefaultSeed;
};

struct RetrainResult {
  std::vector<std::string> labels;
  std::size_t examples = 0, corrections = 0, groups = 0;
  double accuracy = 0, low = 0, high = 0;  ///< of the new model, by grouped cross-validation, with its 95 % interval
  /// Of the current model: of its stored predictions on the same tracks; of one that was fitted on such tracks too, by
  /// its own cross-validation. Empty: there is none.
  std::optional<double> before;
  std::optional<double> p_value;  ///< McNemar's test of the difference; empty: the predictions are not paired
  bool replaced = false;
  std::filesystem::path model;     ///< the file that was written; empty: none
  std::size_t changed = 0;         ///< tracks whose genre is another one now
  std::vector<std::string> notes;  ///< genres that were left out, with counts
};

/// Fits a classifier on the stored features of all tracks with a genre of their owner, and evaluates it by
/// cross-validation with all tracks of an artist (without one: of an album) in one fold. It replaces the current model,
/// and all tracks are predicted anew from their stored features in one transaction, if it is better: more accurate,
/// with p < 0.05 where predictions are paired. Throws Error if fewer than two genres have enough tracks, with their
/// counts.
RetrainResult retrain_library(Catalogue& catalogue, const RetrainConfig& config, Runtime& runtime);

}  // namespace genrewise
