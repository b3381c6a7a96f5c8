// What "<table>.json" says of a feature table that extract_features() wrote, besides its recipe and columns.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/data_source/examples.hpp"

namespace genrewise {

/// In the JSON:
///   "source": {"dataset", "kind", "tracks", "fingerprint"}, "skipped": [{"where", "reason", "detail"}, ...],
///   "examples": {"version": 1, and lists with an entry per row of the table: "identities", "genres" (null: none),
///                "artists", "albums", "files", "parts" (null: none)}.
struct TableFacts {
  std::string dataset, kind;  ///< name and kind of the dataset
  std::size_t tracks = 0;     ///< of the dataset: rows and skipped clips
  std::string fingerprint;    ///< of recipe and clips
  std::vector<Fault> skipped;
  FeatureRecipe recipe;  ///< read from the file; add_table_facts() leaves it as it is
  /// Per row; empty in tables of earlier versions.
  std::vector<std::string> identities;  ///< ClipIdentity::key()
  SplitSubjects subjects;               ///< without ids; a label of -1 is none
};

/// Nothing where there are none, of a damaged file and of another program's.
std::optional<TableFacts> read_table_facts(const std::filesystem::path& table);

/// Whether both say the same of each row.
bool same_examples(const TableFacts& a, const TableFacts& b);

/// Adds them to the table's ".json", which FeatureTableWriter wrote. Throws Error.
void add_table_facts(const std::filesystem::path& table, const TableFacts& facts);

/// The table's rows with the genres of the facts; rows without a genre are left out.
Examples examples_of(const std::filesystem::path& table, TableFacts facts);

}  // namespace genrewise
