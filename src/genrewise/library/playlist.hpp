// Playlists of tracks of the catalogue: M3U8 and XSPF.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/library/catalogue.hpp"

namespace genrewise {

struct PlaylistConfig {
  std::size_t limit = 0, per_artist = 0, per_album = 0;  ///< at most this many tracks; 0: no limit
  double max_duration_s = 0;                             ///< of all tracks together; 0: no limit
  bool smooth = false;  ///< orders the chosen tracks by smooth_path(), from the first; those without features are last
  std::int64_t start = 0;  ///< id of a track: it comes first, the others in the order of their similarity to it,
                           ///< without those that have no features; 0: in the given order
};

/// Takes tracks in their order as long as limits and quotas allow, and orders them. Missing tracks and those whose file
/// is gone are left out. Throws UsageError if there is no track `start`, or it has no features.
std::vector<CatalogueTrack> choose_tracks(const Catalogue& catalogue, std::vector<CatalogueTrack> tracks,
                                          const PlaylistConfig& config);

/// An order of the rows, which have length 1, with small steps of the cosine distance between neighbours: from row
/// `start` always to the nearest row that is left, then 2-opt over the 16 nearest neighbours of each row. Time grows
/// with the square of the number of rows.
std::vector<std::size_t> smooth_path(const Matrix& rows, std::size_t start);

struct GenreTracks {
  std::string genre;
  std::string file_name;  ///< without extension; no two differ in case only
  std::vector<CatalogueTrack> tracks;
};
/// Tracks by genre, in the order of the genres' names; without those whose genre is unknown.
std::vector<GenreTracks> tracks_by_genre(std::vector<CatalogueTrack> tracks);

struct PlaylistFile {
  std::filesystem::path path;   ///< .m3u8, .m3u or .xspf
  bool absolute_paths = false;  ///< else relative to the playlist's folder
  bool keep_added = true;       ///< entries of an existing playlist that this program did not write stay
};
struct PlaylistWritten {
  std::size_t tracks = 0, kept = 0;  ///< written now; entries that a person added, kept after them
};
/// Writes the playlist, complete or not at all. Entries that genrewise writes are marked (`#GENREWISE:` lines, `meta`
/// elements); the others of an existing file were added by a person and stay, in their order, after the tracks. Control
/// characters of the title become blanks. Throws UsageError for another extension and for a path with a line break in
/// an M3U (remedy: .xspf), Error for an existing XSPF that is not XML, and if the file cannot be written or is changed
/// by another program at the same time.
PlaylistWritten write_playlist(const PlaylistFile& file, const std::string& title,
                               std::span<const CatalogueTrack> tracks);

}  // namespace genrewise
