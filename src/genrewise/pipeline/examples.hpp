// A feature table whose rows have genres, artists and (maybe) official parts: what learners and splits work on.
#pragma once

#include <filesystem>
#include <string>

#include "genrewise/dataset/split.hpp"
#include "genrewise/features/feature_table.hpp"

namespace genrewise {

struct Examples {
  std::string name;  ///< of the dataset
  std::vector<std::string> labels;
  FeatureTable table;      ///< one row per example
  SplitSubjects subjects;  ///< entry i belongs to row i
};

/// The dataset's tracks that the table has a row for, in the dataset's order. Throws Error when they share none.
Examples join(const Dataset& dataset, FeatureTable table);

/// A table made by anyone: CSV with one header row, a `genre` or `label` column, optionally `track_id` (or `filename`),
/// `artist`, `album`, `split`; all other columns whose cells are all numbers are features. Its recipe is
/// {"table:<name>", 1, hash of the column names}. Throws Error with line and column on bad cells.
Examples read_labelled_table(const std::filesystem::path& path);
/// Whether the CSV's header looks like one (a genre or label column and no `path`).
bool is_labelled_table(const std::filesystem::path& path);

}  // namespace genrewise
