// The ".json" of a feature table, read without holding its lists in memory. Internal to data_source.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "genrewise/storage/files.hpp"

namespace genrewise {

/// Receives a text piece by piece.
using TextSink = std::function<void(std::string_view)>;

/// A sidecar as this program writes it: one value a line. Lists that have entries for rows, columns or skipped clips
/// stay in the file and are known by their position.
class SidecarLists {
 public:
  struct List {
    std::uint64_t offset = 0, bytes = 0;  ///< of the entries' lines
    std::size_t entries = 0;
  };

  /// Reads the file once. Throws Error if there is none, it does not fit its checksum or has another layout.
  explicit SidecarLists(const std::filesystem::path& table);

  /// The object, with empty lists; only part/skipped_keys is complete.
  const nlohmann::json& object() const { return object_; }
  /// "track_ids", "examples/genres", ...; empty if there is none.
  List list(const std::string& name) const;
  /// Calls `each` for the lines of a list, many at a time, with the commas between entries and all line ends.
  void for_each_block_of(const List& list, const TextSink& each) const;

 private:
  std::filesystem::path path_;
  std::map<std::string, List> lists_;
  nlohmann::json object_;
};

/// Name of the list that begins in this line ("examples/genres" for "  \"genres\": [" inside of "examples"), or that is
/// empty in it; empty for all other lines. Call for each line in order, with the same `within`.
std::string list_begun_by(std::string_view line, std::string& within);

}  // namespace genrewise
