// Examples: a feature table whose rows have genres, artists and optionally official parts. Input of splits and
// training.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/features/feature_table.hpp"
#include "genrewise/packs/pack_manifest.hpp"

namespace genrewise {

struct Examples {
  std::string name;                     ///< of the dataset
  std::vector<std::string> labels;      ///< genres, sorted by name; each has at least one row
  FeatureTable table;                   ///< one row per example
  SplitSubjects subjects;               ///< entry i describes row i
  std::vector<std::string> notes = {};  ///< sentences about merged and left-out genres
};

/// Description of a feature table that models are trained on.
struct FeatureFacts {
  FeatureRecipe recipe;
  std::size_t columns = 0;
  double extract_s = 0;  ///< 0: the features existed
};

/// Lengths of the clips, in seconds.
struct ClipFacts {
  double least_s = 0, median_s = 0, most_s = 0, total_s = 0;
};

/// The dataset's tracks that the table has a row for, in the dataset's order; drops genres without a row. Throws Error
/// if dataset and table share no track, or if the table has a track twice.
Examples join(const Dataset& dataset, FeatureTable table);

/// Reads a table with genres: one that extract_features() wrote (its ".json" has the genres; see table_facts.hpp), or a
/// CSV of any origin (docs/pipeline.md, "Labelled tables of other programs"). A column far from 0 is stored with an
/// offset (FeatureTable::offsets). The recipe is {"table", 1, hash of the feature names}, so a model that was trained
/// on one table accepts another with the same columns. Throws Error with line and column for an empty or non-finite
/// cell, text among numbers, a missing genre, an unknown part, a repeated id and a row of another length than the
/// header.
Examples read_labelled_table(const std::filesystem::path& path);

/// Loads all examples of a pack into memory, 4 bytes per number, in the order of its shards. The manifest's parts
/// become the official ones, whole shards subjects.by_shard. Columns have the names of the feature set if the recipe is
/// known, else numbers. Damaged records are left out and reported in `damaged`. Throws Error as BatchReader does,
/// Interrupted.
Examples read_packed_examples(const PackManifest& manifest, std::vector<Fault>& damaged, Progress& progress,
                              double damage_budget = 0.01);

/// Subjects from a pack's manifest, in the order of its shards; reads no record.
SplitSubjects subjects_of(const PackManifest& manifest);

/// Whether the file is for read_labelled_table(): CsvColumns::is_labelled_table(), or a feature table whose ".json"
/// contains genres or is damaged.
bool is_labelled_table(const std::filesystem::path& path);

/// Whether the name and first line are those of a table for read_feature_table().
bool is_feature_table(const std::filesystem::path& path);

}  // namespace genrewise
