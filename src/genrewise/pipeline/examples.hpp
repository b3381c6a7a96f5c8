// A feature table whose rows have genres, artists and (maybe) official parts: what learners and splits work on.
#pragma once

#include <filesystem>
#include <string>

#include "genrewise/dataset/split.hpp"
#include "genrewise/features/feature_table.hpp"

namespace genrewise {

struct Examples {
  std::string name;                 ///< of the dataset
  std::vector<std::string> labels;  ///< sorted by name; each has at least one row
  FeatureTable table;               ///< one row per example
  SplitSubjects subjects;           ///< entry i belongs to row i
};

/// The dataset's tracks that the table has a row for, in the dataset's order; genres that are left without a row are
/// dropped. Throws Error when they share no track, or when the table names a track twice.
Examples join(const Dataset& dataset, FeatureTable table);

/// A table made by anyone: CSV with one header row and one row per example. By the header's words, in any case:
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
/// Whether it is a file whose first line has a genre or label column and no path column.
bool is_labelled_table(const std::filesystem::path& path);

}  // namespace genrewise
