// Writes genres into the tags of files, with a journal from which every change can be undone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/runtime.hpp"
#include "genrewise/library/catalogue.hpp"

namespace genrewise {

/// fill: only where the field is empty; append: adds values that are not there; replace: sets the values.
enum class TagMode { fill, append, replace };

struct TagConfig {
  std::string field = "genre";  ///< see writable_tag_fields()
  TagMode mode = TagMode::fill;
  double min_confidence = 0;  ///< tracks with a less confident prediction are left alone; corrections have 1
  std::string value;          ///< written instead of the track's genre; empty: the genre
};

/// A planned change of one file.
struct TagChange {
  std::int64_t track = 0;
  std::filesystem::path path;
  std::vector<std::string> before, after;
  double confidence = 0;
};
struct TagPlan {
  TagConfig config;
  std::vector<TagChange> changes;
  std::vector<Fault> skipped;  ///< files that cannot be changed: "read-only", "hard link", "no genre", ...
  std::size_t unchanged = 0;   ///< those that hold the values already, or are not to be overwritten
};
/// Reads the files' tags; changes nothing. Tracks without a genre or whose genre is unknown are not changed.
TagPlan plan_tags(const Catalogue& catalogue, const std::vector<CatalogueTrack>& tracks, const TagConfig& config,
                  Runtime& runtime);

struct TagResult {
  std::int64_t batch = 0;  ///< number for undo; 0: nothing was written
  std::size_t written = 0;
  std::vector<Fault> skipped;
};
/// Carries a plan out. For every file: the change is journalled with what restores the old bytes, a copy beside the
/// file is changed and verified (write_tag_copy()), given the mode, times, owner and extended attributes of the
/// original, and renamed over it. Stops at a full disk with the rest untouched. Afterwards the catalogue knows the new
/// tags, size and time, so the next scan analyses nothing. Finishes or rolls back what a killed process left.
TagResult apply_tags(Catalogue& catalogue, const TagPlan& plan, const std::string& command, Runtime& runtime);

struct TagBatch {
  std::int64_t id = 0, time_s = 0;
  std::string command;
  std::size_t files = 0, undone = 0;
};
std::vector<TagBatch> tag_history(const Catalogue& catalogue);
/// The changes of one batch with their state ("written", "undone", "failed").
std::vector<std::pair<TagChange, std::string>> tag_changes(const Catalogue& catalogue, std::int64_t batch);

/// Restores the files of a batch (0: the latest that is not undone) byte for byte. A file that was changed by another
/// program since is skipped ("changed since") and stays. Throws UsageError for a batch that does not exist.
TagResult undo_tags(Catalogue& catalogue, std::int64_t batch, Runtime& runtime);

}  // namespace genrewise
