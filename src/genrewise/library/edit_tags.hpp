// Writes genres into the tags of files, with a journal from which every change can be undone.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/base/runtime.hpp"
#include "genrewise/library/catalogue.hpp"

namespace genrewise {

/// fill: only where the field is empty; append: adds values that are not there; replace: sets the values.
enum class TagMode { fill, append, replace };

struct TagConfig {
  std::string field = "genre";  ///< see writable_tag_fields()
  TagMode mode = TagMode::fill;
  double min_confidence = 0;             ///< tracks with a less confident prediction are left alone; corrections have 1
  std::vector<std::string> values = {};  ///< written instead of the track's genre; empty: the genre
};

/// A change of one file.
struct TagChange {
  std::int64_t track = 0;
  std::filesystem::path path;
  std::string field;
  std::vector<std::string> before, after;
};
struct TagPlan {
  std::vector<TagChange> changes;
  std::vector<Fault> skipped;                     ///< files that cannot be changed, see apply_tags()
  std::map<std::string, std::size_t> left_alone;  ///< number by reason: "no genre", "unknown genre", "low confidence",
                                                  ///< "has a value", "has this value"
};
/// Reads the files' tags; changes nothing. Throws UsageError for a field that cannot be written, and for artist, album
/// and title without `values`.
TagPlan plan_tags(std::span<const CatalogueTrack> tracks, const TagConfig& config, Runtime& runtime);

/// What was done, also if it ended early.
struct TagResult {
  std::int64_t batch = 0;  ///< number for undo; 0: nothing was written
  std::vector<TagChange> changes;
  std::vector<Fault> skipped;
  std::exception_ptr stopped;  ///< Interrupted, or the Error (full disk) before which `changes` were made; else null
};
/// Carries a plan out. For every file: a copy beside it is changed and verified (write_tag_copy()); the change is
/// journalled on disk with what restores the old bytes; the copy gets the mode, owner, times, access control lists and
/// extended attributes of the original and is renamed over it (of a symbolic link: over the file that it points to).
/// Afterwards the catalogue knows the new tags, size and time, so the next scan analyses nothing. First finishes what a
/// killed process left. `command` is kept for tag_history().
///
/// Faults of single files: "hard link", "read-only", "immutable", "belongs to another user", "in use" (another process
/// has it open for writing), "changed since", "too large" (above 1 GiB), "attributes cannot be kept", "cannot be
/// replaced", and those of write_tag_copy().
TagResult apply_tags(Catalogue& catalogue, const TagPlan& plan, const std::string& command, Runtime& runtime);

struct TagBatch {
  std::int64_t id = 0, time_s = 0;  ///< since 1970
  std::string command;
  std::size_t files = 0, undone = 0;
};
/// Latest first.
std::vector<TagBatch> tag_history(const Catalogue& catalogue);
/// The changes of one batch with their state: "planned" (was killed; settled by the next apply or undo), "written",
/// "undone". Batch 0: the latest that is not undone. Throws UsageError for a batch that does not exist.
std::vector<std::pair<TagChange, std::string>> tag_changes(const Catalogue& catalogue, std::int64_t batch);

/// Restores the files of a batch (0: the latest that is not undone) byte for byte, with mode, owner, times and
/// attributes as they are now. A file that was changed by another program since is skipped ("changed since") and stays,
/// so that the batch can be undone again later. `before` and `after` of the result are those of the batch. Throws
/// UsageError for a batch that does not exist.
TagResult undo_tags(Catalogue& catalogue, std::int64_t batch, Runtime& runtime);

}  // namespace genrewise
