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
  bool tags = true;                   ///< genres of tags, besides corrections, which win
  std::filesystem::path genre_map;    ///< folds spellings; empty: the default map
  std::string features;               ///< stored feature set; empty: the one with the best accuracy of those stored
  std::string classifier = "logreg";  ///< kind of `genrewise models`, also with parameters
  std::size_t min_tracks = 5;         ///< genres with fewer tracks, or fewer than three artists, are left out
  int folds = 5;
  std::filesystem::path output;  ///< model file; empty: beside the catalogue, "library-N.gwm"
  bool force = false;            ///< replaces the current model although it is not better
  bool dry_run = false;          ///< only evaluates
  std::uint64_t seed = kDefaultSeed;
};

struct RetrainResult {
  std::vector<std::string> labels;
  std::size_t examples = 0, corrections = 0, groups = 0;
  double accuracy = 0, low = 0, high = 0;  ///< of the new head, by grouped cross-validation, with its 95 % interval
  std::optional<double> before;  ///< of the current model on the same tracks; empty: it has none of the labels
  double p_value = 1;            ///< McNemar's test of the difference
  bool replaced = false;
  std::filesystem::path model;     ///< the file that was written; empty: none
  std::size_t changed = 0;         ///< tracks whose genre is another one now
  std::vector<std::string> notes;  ///< genres that were left out, with counts
};

/// Throws Error if fewer than two genres have enough tracks, naming the counts and what to do.
RetrainResult retrain_library(Catalogue& catalogue, const RetrainConfig& config, Runtime& runtime);

}  // namespace genrewise
