// Playlists of tracks of the catalogue: M3U8 and XSPF.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "genrewise/library/catalogue.hpp"

namespace genrewise {

enum class PlaylistOrder { confidence, random, smooth, path };

struct PlaylistConfig {
  PlaylistOrder order = PlaylistOrder::confidence;
  std::size_t limit = 0, per_artist = 0, per_album = 0;  ///< at most this many tracks; 0: no limit
  double max_duration_s = 0;                             ///< of all tracks together; 0: no limit
  std::uint64_t seed = 0;
  std::int64_t start = 0;  ///< smooth: id of the first track (--like); 0: the most confident one
};

/// Chooses and orders tracks: quotas first, in the given order. `smooth`: a path through the stored features without
/// jumps: nearest neighbour, improved by 2-opt. Tracks that are missing or of which the file is gone are left out.
std::vector<CatalogueTrack> choose_tracks(const Catalogue& catalogue, std::vector<CatalogueTrack> tracks,
                                          const PlaylistConfig& config);

struct PlaylistFile {
  std::filesystem::path path;   ///< .m3u8, .m3u or .xspf
  bool absolute_paths = false;  ///< else relative to the playlist's folder
  bool keep_added = true;       ///< entries of an existing playlist that this program did not write stay
};
struct PlaylistWritten {
  std::size_t tracks = 0, kept = 0;  ///< written now; entries that a person added, kept after them
};
/// Writes the playlist, complete or not at all. An existing file of that name that genrewise did not write, or whose
/// entries a person changed, keeps the entries that a person added, in their order, after the tracks. Throws Error for
/// another extension, for a path with a line break in an M3U (remedy: .xspf), and if it cannot be written.
PlaylistWritten write_playlist(const PlaylistFile& file, const std::string& title,
                               const std::vector<CatalogueTrack>& tracks);

}  // namespace genrewise
