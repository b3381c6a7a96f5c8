// Similar tracks and duplicates, by stored features.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/library/catalogue.hpp"

namespace genrewise {

/// Stored rows of one feature set, standardised over the catalogue and of length 1, so that the inner product is the
/// cosine similarity.
struct Embeddings {
  FeatureRecipe recipe;
  std::vector<std::int64_t> tracks;  ///< ids, in the order of the rows
  Matrix rows;
};
/// Of these tracks (empty: all that are present and have features). Tracks without features are left out. Throws Error
/// if the catalogue has no features.
Embeddings load_embeddings(const Catalogue& catalogue, std::span<const std::int64_t> tracks = {});

/// Tracks as points of a plane: the first two principal components of their features, which are fitted on a sample of
/// at most 4,000 tracks, divided by the largest magnitude.
struct LibraryMap {
  std::vector<std::string> genres;   ///< sorted
  std::vector<std::int64_t> tracks;  ///< ids, ascending
  std::vector<float> x, y;           ///< -1 .. 1, by track
  std::vector<int> genre;            ///< index into `genres`, by track; -1: the track has none
};
/// Of all tracks that are present and have the features that most tracks have; empty if there are none. Memory does not
/// grow with the number of features.
LibraryMap map_tracks(const Catalogue& catalogue);

struct SimilarTrack {
  CatalogueTrack track;
  double similarity = 0;  ///< cosine, -1 .. 1
};
/// The n most similar tracks to a track, most similar first, without itself and its duplicates (same fingerprint).
/// Memory does not grow with the catalogue. Throws UsageError if the track has no features.
std::vector<SimilarTrack> similar_tracks(const Catalogue& catalogue, std::int64_t track, std::size_t n);
/// The same for a row of features of the catalogue's main recipe (a file that is not in the catalogue).
std::vector<SimilarTrack> similar_tracks(const Catalogue& catalogue, std::span<const float> features, std::size_t n);

/// Two tracks are one recording if they have the same fingerprint, or if their features are so similar and their
/// durations differ by at most this share and these seconds. docs/library.md has the measurements behind the numbers.
inline constexpr double kDuplicateSimilarity = 0.92, kDuplicateShare = 0.01, kDuplicateSeconds = 3;

/// Tracks that are the same recording, with the evidence.
struct DuplicateGroup {
  std::vector<CatalogueTrack> tracks;  ///< best first: highest bit rate (bytes per second)
  bool same_audio = false;             ///< all have the same fingerprint; else by features and duration
  double least_similarity = 1;         ///< of the pairs that made the group
  double duration_difference_s = 0;    ///< largest
};
/// By the path of their first track. Of tracks that are present and analysed. Time grows with the square of the number
/// of tracks of about one duration; takes 4 bytes of memory for each number of the stored features.
std::vector<DuplicateGroup> find_duplicates(const Catalogue& catalogue);

}  // namespace genrewise
