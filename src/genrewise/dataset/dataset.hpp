// Tracks with labels and groups, wherever they come from.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {

/// The part of a split that an example belongs to.
enum class Part { training, validation, test };
std::string_view to_string(Part part);
/// "training" / "train", "validation" / "valid" / "val", "test"; nothing for any other word.
std::optional<Part> parse_part(std::string_view text);

/// One example: a clip of a track, with its genre. Several clips of one file are several of these with the same path.
struct Track {
  std::string id;                    ///< unique in the dataset
  std::filesystem::path path;        ///< of the audio file, as it can be opened
  int label = -1;                    ///< index into Dataset::labels
  std::string artist, album, title;  ///< empty where not known
  std::optional<Part> official_part;
  ClipRequest clip = kDefaultClip;
};

struct Dataset {
  std::string name;  ///< for people: the folder's or file's name
  std::string kind;  ///< of its descriptor: "fma", "csv", "playlists", "folder"
  std::filesystem::path root;
  std::vector<std::string> labels;  ///< genres, sorted by name; each has at least one track
  std::vector<Track> tracks;        ///< sorted by id (numbers as numbers)
  std::vector<Fault> rejected;      ///< rows and files that cannot be used, and why
  std::size_t ignored = 0;          ///< files in genre folders that are no music by their names (covers, hidden files)
};

struct DatasetOptions {
  /// Of FMA: small (where there is none given), medium, large or full; each holds the ones before it. An Error for
  /// another kind of dataset.
  std::optional<std::string> fma_subset = {};
  /// Keeps tracks without a genre, with label -1 (to extract features of them), instead of rejecting them.
  bool keep_unlabelled = false;
};

/// What a kind of dataset declares of itself.
struct DatasetKindDescriptor {
  std::string kind;           ///< "fma"
  std::string title;          ///< "FMA dataset"
  std::string location;       ///< what a person names: "an FMA folder"
  std::string recognised_by;  ///< "it holds fma_metadata/ or tracks.csv, or ..."
  bool (*recognises)(const std::filesystem::path& place) = nullptr;
  /// Throws Error where nothing usable is found.
  Dataset (*open)(const std::filesystem::path& place, const DatasetOptions& options) = nullptr;
};
/// All kinds whose tracks have audio, in the order in which a place is tried; see dataset_list.hpp.
std::vector<DatasetKindDescriptor> dataset_kinds();

/// Opens what docs/datasets.md describes: an FMA folder (holds fma_metadata/ or tracks.csv, or is fma_small/ beside
/// them), a folder with one sub-folder per genre, or a CSV
/// (path,genre[,artist,album,title,split,start_s,duration_s,track_id]; paths relative to the CSV's folder) or a folder
/// with one such CSV in it. No audio is decoded. Tracks without a genre ("no genre") or an audio file ("missing file")
/// are rejected. Throws Error where nothing usable is found, saying what was looked for, and for a table that cannot be
/// trusted (missing column, repeated track_id, a number or split that is none), with its line.
Dataset open_dataset(const std::filesystem::path& place, const DatasetOptions& options = {});

}  // namespace genrewise
