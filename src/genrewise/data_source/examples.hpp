// A feature table whose rows have genres, artists and (maybe) official parts: what learners and splits work on.
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
  std::vector<std::string> labels;      ///< sorted by name; each has at least one row
  FeatureTable table;                   ///< one row per example
  SplitSubjects subjects;               ///< entry i belongs to row i
  std::vector<std::string> notes = {};  ///< sentences: which genres were merged or left out
};

/// One feature table that models are trained on.
struct FeatureFacts {
  FeatureRecipe recipe;
  std::size_t columns = 0;
  double extract_s = 0;  ///< 0: the features were there
};

/// Lengths of the clips, in seconds.
struct ClipFacts {
  double least_s = 0, median_s = 0, most_s = 0, total_s = 0;
};

/// The dataset's tracks that the table has a row for, in the dataset's order; genres that are left without a row are
/// dropped. Throws Error when they share no track, or when the table names a track twice.
Examples join(const Dataset& dataset, FeatureTable table);

/// A table with the genres of its rows: one that extract_features() wrote (its ".json" says them; see table_facts.hpp),
/// or one made by anyone: CSV with one header row and one row per example. By the header's words, in any case:
///   genre or label  the genre (genre, when both are there); needed
///   track_id        the example's id; else filename; else the row's number
///   filename        also tells which rows are clips of one file: equal names, and names like GTZAN's three-second
///                   table (blues.00000.3.wav is a clip of blues.00000)
///   artist, album, split
/// All other columns whose cells are mostly numbers are features, GTZAN's `length` included; left out are columns of
/// text (title, path of a picture) and a column without a name (the row numbers that pandas writes). Its recipe is
/// {"table", 1, hash of the features' names}, so that a model trained on one table judges another with the same
/// columns. Throws Error with line and column for an empty or not finite cell, text among numbers, a missing genre, an
/// unknown word for a part, an id that comes twice and a row of another length than the header.
Examples read_labelled_table(const std::filesystem::path& path);

/// The examples of a packed folder (open_pack()), in the order of its shards: for learners that want all of them in
/// memory, 4 bytes a number. The manifest's parts become the official ones, whole shards subjects.by_shard; artists and
/// albums are there when the manifest has them. The columns have the names of the feature set where this program knows
/// the recipe, else numbers. Damaged records are left out and told in `damaged`. Throws Error as BatchReader does when
/// more than `damage_budget` of them are, and Interrupted on Ctrl-C.
Examples read_packed_examples(const PackManifest& manifest, std::vector<Fault>& damaged, Progress& progress,
                              double damage_budget = 0.01);

/// What a pack's manifest says of its records, in the order of its shards; no record is read.
SplitSubjects subjects_of(const PackManifest& manifest);

/// Whether read_labelled_table() takes it: a file whose first line has a genre or label column and no path column, or a
/// feature table of this program whose ".json" says the genres of its rows.
bool is_labelled_table(const std::filesystem::path& path);

/// Whether it is a table of the kind that read_feature_table() reads, by its name and first line.
bool is_feature_table(const std::filesystem::path& path);

}  // namespace genrewise
