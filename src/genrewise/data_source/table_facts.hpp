// Contents of "<table>.json" of a feature table that extract_features() wrote, besides recipe and columns.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/base/job_part.hpp"
#include "genrewise/data_source/examples.hpp"

namespace genrewise {

/// In the JSON: "part": {"number", "count", "skipped_keys": [[index among the part's clips, key], ...]}.
struct TablePart {
  JobPart part;
  std::vector<std::pair<std::size_t, std::string>> skipped_keys;
};

/// In the JSON:
///   "source": {"dataset", "kind", "tracks", "fingerprint", "bytes"}, "skipped": [{"where", "reason", "detail"}, ...],
///   "examples": {"version": 1, and lists with an entry per row of the table: "identities", "genres" (null: none),
///                "artists", "albums", "files", "parts" (null: none)}.
struct TableFacts {
  std::string dataset, kind;  ///< name and kind of the dataset
  std::size_t tracks = 0;     ///< tracks of the dataset: rows and skipped clips
  std::string fingerprint;    ///< of recipe and clips
  std::uint64_t bytes = 0;    ///< size of the table; 0: unknown (tables of earlier versions)
  std::vector<Fault> skipped;
  FeatureRecipe recipe;  ///< read from the file; not in to_json()
  /// Per row; empty in tables of earlier versions.
  std::vector<std::string> identities;  ///< ClipIdentity::key()
  SplitSubjects subjects;               ///< without ids; label -1: none
  std::optional<TablePart> part;        ///< of a part of a table; write-only
};

/// Text of a recipe, with which fingerprints of tables begin; the keys of the clips follow.
std::string recipe_text(const FeatureRecipe& recipe);

/// Empty if there is no file, or if it contains none (a table that extract_features() did not write). Throws Error,
/// with the file's path, if the file is damaged: not JSON, another checksum than it states, or a value that is missing
/// or has another type.
std::optional<TableFacts> read_table_facts(const std::filesystem::path& table);

/// Whether both describe each row identically.
bool same_examples(const TableFacts& a, const TableFacts& b);

/// The members "source", "skipped" and "examples", for FeatureTableWriter::commit().
nlohmann::json to_json(const TableFacts& facts);

/// Replaces the facts in the table's ".json". Throws Error if it cannot be read or written.
void replace_table_facts(const std::filesystem::path& table, const TableFacts& facts);

/// The table's rows with the genres of the facts; leaves out rows without a genre.
Examples examples_of(const std::filesystem::path& table, TableFacts facts);

}  // namespace genrewise
