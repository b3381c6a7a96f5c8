/// @file
/// Datasets: opens FMA folders, genre folders, tagged collections, playlists and CSV lists as tracks with genres,
/// artists, albums and split parts.
/// @code
/// const Dataset dataset = open_dataset("fma", {.fma_subset = "small"});
/// const Split split = make_split(subjects_of(dataset));  // dataset/split.hpp
/// @endcode
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/job_part.hpp"

namespace genrewise {

/// The part of a split that an example belongs to.
enum class Part { training, validation, test };
std::string_view to_string(Part part);
/// Parses "training" / "train", "validation" / "valid" / "val" or "test"; empty for any other text.
std::optional<Part> parse_part(std::string_view text);

/// One example: a clip of an audio file, with its genre. Several clips of one file have the same path.
struct Track {
  std::string id;                    ///< unique in the dataset
  std::filesystem::path path;        ///< location of the audio file
  int label = -1;                    ///< index into Dataset::labels
  std::string artist, album, title;  ///< empty if unknown
  std::optional<Part> official_part;
  ClipRequest clip = kDefaultClip;
  std::uint64_t bytes = 0;  ///< size of the file, if the dataset's list states it; 0: unknown
};

/// Which part of a dataset its tracks are.
struct DatasetPart {
  JobPart part;
  std::size_t tracks = 0;  ///< of the whole dataset
  std::string sha256;      ///< of the ids, files, clips and labels of the whole dataset
};

struct Dataset {
  std::string name;  ///< display name: that of the folder or file
  std::string kind;  ///< as in its descriptor: "fma", "csv", "playlists", "tags", "folder"
  std::filesystem::path root;
  std::vector<std::string> labels;  ///< genres, sorted by name; each has at least one track
  std::vector<Track> tracks;        ///< sorted by id (numbers as numbers)
  std::vector<Fault> rejected;      ///< rows and files that cannot be used, and why
  std::size_t ignored = 0;          ///< files in genre folders without an audio file name (covers, hidden files)
  std::vector<std::string> notes;   ///< sentences about choices that were made for the caller
  std::map<std::string, std::string> parents;  ///< of genres: the one that each is a part of; from the map of genres
  std::optional<DatasetPart> part;             ///< empty: the tracks are all
};

/// Where the genres of a folder of music come from. automatic: from the names of its sub-folders, unless these are
/// artists or albums, or unlike the genres in the files' tags.
enum class LabelSource { automatic, folders, tags };
/// "auto", "folders" or "tags".
std::string_view to_string(LabelSource source);

struct DatasetOptions {
  /// FMA only: small (the default), medium, large or full; each contains the previous ones. Error for other kinds.
  std::optional<std::string> fma_subset = {};
  /// Keeps tracks without a genre, with label -1, instead of rejecting them (to extract their features).
  bool keep_unlabelled = false;
  LabelSource labels = LabelSource::automatic;  ///< --labels
  std::filesystem::path genre_map = {};         ///< --map, for genres of tags: see GenreMap; empty: the standard one
  bool top_genres = false;                      ///< --top-genres, for genres of tags: counts them as their ancestors
  std::optional<double> clip_start_s = {};      ///< --clip-start: of every clip, instead of what the dataset states
  std::optional<double> clip_duration_s = {};   ///< --clip-seconds: the same for the length
  std::optional<JobPart> part = {};             ///< --part: keeps the tracks of this part, see keep_part()
  friend bool operator==(const DatasetOptions&, const DatasetOptions&) = default;
};

/// Throws UsageError that names an option that has no effect on data of this kind; `location` is for the message.
void require_for_kind(const DatasetOptions& options, std::string_view kind, const std::string& location);

/// Descriptor of a kind of dataset.
struct DatasetKindDescriptor {
  std::string kind;           ///< "fma"
  std::string title;          ///< "FMA dataset"
  std::string location;       ///< what the user gives: "an FMA folder"
  std::string recognised_by;  ///< "it contains fma_metadata/ or tracks.csv, or ..."
  bool (*recognises)(const std::filesystem::path& location, const DatasetOptions& options) = nullptr;
  /// Throws Error if nothing usable is found.
  Dataset (*open)(const std::filesystem::path& location, const DatasetOptions& options) = nullptr;
};
/// All kinds of datasets with audio, in the order in which open_dataset() tries them; see builder.hpp.
std::vector<DatasetKindDescriptor> dataset_kinds();

/// Opens one of these (docs/datasets.md):
/// - an FMA folder: contains fma_metadata/ or tracks.csv, or is fma_small/ beside them
/// - a folder of M3U playlists, one per genre
/// - a folder of music whose tags state genre, artist and album; of several genres of one track, the first that the map
///   has counts. Artists and albums are compared by name_key(); an album is that of its album artist, else that in its
///   folder
/// - a folder with one sub-folder per genre
/// - a CSV (path,genre[,artist,album,title,split,start_s,duration_s,track_id]; paths relative to the CSV's folder), or
/// a
///   folder with one such CSV
///
/// - a prefix of an object store: genres are the folders directly below it; or a list of locations, one a line, without
///   genres (with --labels folders: the folder of each file)
///
/// Decodes no audio; reads tags in parallel, with the progress of the current Runtime. Rejects tracks without a genre
/// ("no genre") or an audio file ("missing file"). Throws Error if nothing usable is found, and, with the line, for an
/// invalid table (missing column, repeated track_id, invalid number or part).
Dataset open_dataset(const std::filesystem::path& location, const DatasetOptions& options = {});

/// Keeps a contiguous part of the tracks, balanced by the sizes of the files if all are known, else by the lengths of
/// the clips. The first part keeps the rejected rows. Throws Error if there are more parts than tracks.
void keep_part(Dataset& dataset, const JobPart& part);

}  // namespace genrewise
