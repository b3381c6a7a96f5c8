/// @file
/// Module library: the catalogue of a person's music in one SQLite file: genres, confidences, features and tags of
/// every track; search, similar tracks, corrections, playlists and tag changes with undo. docs/library.md describes the
/// file.
/// @code
/// Catalogue catalogue(default_catalogue(), Catalogue::Access::write);
/// scan_library(catalogue, {.roots = {"/home/me/Music"}}, runtime);                      // scan.hpp
/// for (const CatalogueTrack& track : find_tracks(catalogue, parse_query("genre:Rock"))) // query.hpp
///   use(track.path);
/// @endcode
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/audio/tags.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/features/feature_set.hpp"

namespace genrewise {

class Database;    // database.hpp, private to this module
class Descriptor;  // of the lock

/// $GENREWISE_LIBRARY, else $XDG_DATA_HOME/genrewise/library.db, else ~/.local/share/genrewise/library.db. Throws Error
/// where none of the variables and no HOME is set.
std::filesystem::path default_catalogue();

/// Genres of a part of a track.
struct Segment {
  double start_s = 0, duration_s = 0;
  std::vector<float> probabilities;  ///< by label of the track's model
};

/// What was computed from the audio of a track.
struct TrackAnalysis {
  double duration_s = 0;
  std::string fault, fault_detail;   ///< why the track could not be analysed; empty: it was, or was not tried yet
  std::string predicted;             ///< most probable genre of the model; empty: not analysed
  double confidence = 0;             ///< of `predicted`
  bool unknown = false;              ///< the confidence is below the model's threshold
  std::optional<double> novelty;     ///< above 1: unlike the model's training music
  std::int64_t model = 0;            ///< id in models(); 0: not analysed
  std::vector<float> probabilities;  ///< by label of that model
};

struct CatalogueTrack : TrackAnalysis {
  std::int64_t id = 0;
  std::filesystem::path path;  ///< absolute
  bool missing = false;        ///< not found by the last scan of its folder
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0, added_s = 0;  ///< since 1970
  /// 24 digits of audio_hash() of the first 512 KiB, or of all of it where another track begins alike; empty: unknown.
  std::string fingerprint;
  Tags tags;
  std::string correction;         ///< genre that the owner gave; empty: none
  std::vector<Segment> segments;  ///< filled by Catalogue::track() only
  /// The correction, else "unknown", else the prediction; empty if there is none.
  std::string genre() const { return !correction.empty() ? correction : unknown ? "unknown" : predicted; }
  bool analysed() const { return model != 0; }
};

/// CatalogueModel::name of the zero-shot network.
inline constexpr char kZeroShot[] = "zero-shot";

/// A model whose predictions the catalogue holds.
struct CatalogueModel {
  std::int64_t id = 0;
  std::string name;                 ///< path of the .gwm file, or kZeroShot
  std::string sha256;               ///< of the file; of a zero-shot model: of its genres and recipe
  std::vector<std::string> labels;  ///< in the order of probabilities
  FeatureRecipe recipe;             ///< of the features that it takes
  /// Tracks of a lower confidence are unknown (above 1: all are); empty: the model has none, so no track is.
  std::optional<double> threshold;
};

/// Another process, or another Catalogue of this one, writes to the catalogue.
class CatalogueBusy : public Error {
 public:
  using Error::Error;
};

/// One catalogue file. One process writes at a time, any number read. For one thread.
class Catalogue {
 public:
  enum class Access { read, write };

  /// `write`: creates the file and its folder where they are missing, migrates an older schema, and holds a lock
  /// ("library.db.lock") until destroyed. Throws Error, without a change, for a catalogue of a newer program, a file
  /// that is no catalogue, a damaged one (a copy "library.db.damaged" is then made, unless there is one), and for
  /// `read` of a missing file; CatalogueBusy if another one writes.
  explicit Catalogue(const std::filesystem::path& file, Access access = Access::read);
  ~Catalogue();
  Catalogue(Catalogue&&) noexcept;

  const std::filesystem::path& file() const { return file_; }
  /// Folders that were scanned, absolute.
  std::vector<std::filesystem::path> roots() const;
  std::vector<CatalogueModel> models() const;
  /// The model of the latest scan or retraining.
  std::optional<CatalogueModel> current_model() const;

  /// With segments. Empty if there is no such track; by path: absolute or relative to the current folder.
  std::optional<CatalogueTrack> track(std::int64_t id) const;
  std::optional<CatalogueTrack> track(const std::filesystem::path& path) const;
  /// Genres of the tracks that are not missing (CatalogueTrack::genre()), most frequent first, with the number of
  /// tracks; then those of the current model that no track has.
  std::vector<std::pair<std::string, std::size_t>> genres() const;

  /// Sets the owner's genre of these tracks (empty: removes it) in one transaction. Throws UsageError for a genre with
  /// control characters or more than 200 bytes.
  void correct(std::span<const std::int64_t> tracks, const std::string& genre);
  /// Forgets tracks (of folders that will not come back), with their analyses; keeps files and history of tags.
  void forget(std::span<const std::int64_t> tracks);

  /// Recipes whose rows are stored, with their number of tracks, most tracks first.
  std::vector<std::pair<FeatureRecipe, std::size_t>> stored_features() const;

  /// Another number than before after every change that was made through another Catalogue or by another process.
  std::int64_t data_version() const;

  /// For the other parts of this module.
  Database& database() const { return *database_; }

 private:
  std::filesystem::path file_;
  std::unique_ptr<Descriptor> lock_;
  std::unique_ptr<Database> database_;
};

}  // namespace genrewise
