#include "genrewise/library/playlist.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "genrewise/base/floats.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/library/similarity.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kNeighbours = 16, kMostNameBytes = 200;

float distance(std::span<const float> a, std::span<const float> b) {
  return 1 - dot(a, b);
}

/// The nearest other rows of each row, nearest first.
std::vector<std::vector<std::size_t>> nearest_rows(const Matrix& rows) {
  std::vector<std::vector<std::size_t>> nearest(rows.rows());
  parallel_for(rows.rows(), [&](std::size_t i, int) {
    std::vector<std::pair<float, std::size_t>> others;
    for (std::size_t k = 0; k < rows.rows(); ++k)
      if (k != i) others.emplace_back(distance(rows.row(i), rows.row(k)), k);
    const auto last = others.begin() + static_cast<std::ptrdiff_t>(std::min(kNeighbours, others.size()));
    std::partial_sort(others.begin(), last, others.end());
    for (auto other = others.begin(); other != last; ++other) nearest[i].push_back(other->second);
  });
  return nearest;
}

/// 2-opt: replaces two steps (a, b) and (c, d) by (a, c) and (b, d) as long as that shortens the path.
class TwoOpt {
 public:
  TwoOpt(const Matrix& rows, std::vector<std::size_t>& path) : rows_(rows), path_(path), at_(path.size()) {
    for (std::size_t i = 0; i < path.size(); ++i) at_[path[i]] = i;
  }

  /// Tries all steps to near rows once; whether one was taken.
  bool improve(const std::vector<std::vector<std::size_t>>& nearest) {
    bool improved = false;
    for (std::size_t a = 0; a < path_.size(); ++a) {
      throw_if_interrupted();
      for (const std::size_t c : nearest[a]) {
        const auto [i, j] = std::minmax(at_[a], at_[c]);
        improved = reverse_if_shorter(i + 1, j) || (i > 0 && reverse_if_shorter(i, j - 1)) || improved;
      }
    }
    return improved;
  }

 private:
  float step(std::size_t i, std::size_t j) const { return distance(rows_.row(path_[i]), rows_.row(path_[j])); }

  // Of the rows at positions first .. last; first > 0.
  bool reverse_if_shorter(std::size_t first, std::size_t last) {
    if (first >= last) return false;
    float gain = step(first - 1, first) - step(first - 1, last);
    if (last + 1 < path_.size()) gain += step(last, last + 1) - step(first, last + 1);
    if (gain < 1e-5F) return false;  // more than rounding
    std::reverse(path_.begin() + static_cast<std::ptrdiff_t>(first),
                 path_.begin() + static_cast<std::ptrdiff_t>(last) + 1);
    for (std::size_t i = first; i <= last; ++i) at_[path_[i]] = i;
    return true;
  }

  const Matrix& rows_;
  std::vector<std::size_t>& path_;
  std::vector<std::size_t> at_;  // position of each row
};

std::vector<std::int64_t> ids_of(std::span<const CatalogueTrack> tracks) {
  std::vector<std::int64_t> ids;
  for (const CatalogueTrack& track : tracks) ids.push_back(track.id);
  return ids;
}

void sort_by_similarity(const Catalogue& catalogue, std::vector<CatalogueTrack>& tracks, std::int64_t start) {
  std::erase_if(tracks, [&](const CatalogueTrack& track) { return track.id == start; });
  auto first_track = catalogue.track(start);
  if (!first_track) throw UsageError("there is no such track", fmt::format("track {}", start));
  tracks.insert(tracks.begin(), std::move(*first_track));
  const Embeddings embeddings = load_embeddings(catalogue, ids_of(tracks));
  const auto found = std::ranges::find(embeddings.tracks, start);
  if (found == embeddings.tracks.end())
    throw UsageError("this track has no features to compare", tracks.front().path.string(),
                     "scan its folder with --retry");
  const auto first = static_cast<std::size_t>(found - embeddings.tracks.begin());
  std::map<std::int64_t, float> away;
  for (std::size_t row = 0; row < embeddings.tracks.size(); ++row)
    away[embeddings.tracks[row]] = row == first ? -1 : distance(embeddings.rows.row(first), embeddings.rows.row(row));
  std::erase_if(tracks, [&](const CatalogueTrack& track) { return !away.contains(track.id); });
  std::ranges::stable_sort(tracks, {}, [&](const CatalogueTrack& track) { return away[track.id]; });
}

void sort_smoothly(const Catalogue& catalogue, std::vector<CatalogueTrack>& tracks) {
  const Embeddings embeddings = load_embeddings(catalogue, ids_of(tracks));
  const auto first = std::ranges::find_first_of(tracks, embeddings.tracks, {}, &CatalogueTrack::id);
  if (first == tracks.end()) return;
  const auto row = std::ranges::find(embeddings.tracks, first->id) - embeddings.tracks.begin();
  std::map<std::int64_t, std::size_t> place;
  for (const std::size_t next : smooth_path(embeddings.rows, static_cast<std::size_t>(row)))
    place.emplace(embeddings.tracks[next], place.size());
  std::ranges::stable_sort(tracks, {}, [&](const CatalogueTrack& track) {
    const auto found = place.find(track.id);
    return found == place.end() ? place.size() : found->second;
  });
}

void apply_quotas(std::vector<CatalogueTrack>& tracks, const PlaylistConfig& config) {
  std::map<std::string, std::size_t> by_artist, by_album;
  std::size_t taken = 0;
  double duration_s = 0;
  const auto full = [](std::map<std::string, std::size_t>& counts, const std::string& key, std::size_t most) {
    return most > 0 && !key.empty() && counts[key] >= most;
  };
  std::erase_if(tracks, [&](const CatalogueTrack& track) {
    const Tags& tags = track.tags;
    const std::string artist = folded(tags.artist);
    const std::string album =
        tags.album.empty() ? ""
                           : folded((tags.album_artist.empty() ? tags.artist : tags.album_artist) + "\n" + tags.album);
    if ((config.limit > 0 && taken >= config.limit) || full(by_artist, artist, config.per_artist) ||
        full(by_album, album, config.per_album) ||
        (config.max_duration_s > 0 && duration_s + track.duration_s > config.max_duration_s))
      return true;
    ++taken, ++by_artist[artist], ++by_album[album];
    duration_s += track.duration_s;
    return false;
  });
}

}  // namespace

std::vector<std::size_t> smooth_path(const Matrix& rows, std::size_t start) {
  const auto nearest = nearest_rows(rows);
  std::vector<std::size_t> path{start};
  std::vector<bool> used(rows.rows());
  used[start] = true;
  while (path.size() < rows.rows()) {
    throw_if_interrupted();
    const std::size_t here = path.back();
    const auto near = std::ranges::find_if(nearest[here], [&](std::size_t row) { return !used[row]; });
    std::size_t next = near != nearest[here].end() ? *near : rows.rows();
    if (next == rows.rows()) {  // all near ones are used
      float least = 0;
      for (std::size_t row = 0; row < rows.rows(); ++row) {
        const float away = used[row] ? 0 : distance(rows.row(here), rows.row(row));
        if (!used[row] && (next == rows.rows() || away < least)) least = away, next = row;
      }
    }
    path.push_back(next);
    used[next] = true;
  }
  TwoOpt two_opt(rows, path);
  while (two_opt.improve(nearest)) {
  }
  return path;
}

std::vector<CatalogueTrack> choose_tracks(const Catalogue& catalogue, std::vector<CatalogueTrack> tracks,
                                          const PlaylistConfig& config) {
  std::erase_if(tracks, [](const CatalogueTrack& track) { return track.missing || !file_exists(track.path); });
  if (config.start != 0) sort_by_similarity(catalogue, tracks, config.start);
  apply_quotas(tracks, config);
  if (config.smooth && !tracks.empty()) sort_smoothly(catalogue, tracks);
  return tracks;
}

std::vector<GenreTracks> tracks_by_genre(std::vector<CatalogueTrack> tracks) {
  std::map<std::string, std::vector<CatalogueTrack>> by_genre;
  for (CatalogueTrack& track : tracks) {
    std::string genre = track.genre();
    if (!genre.empty() && (!track.correction.empty() || !track.unknown)) by_genre[genre].push_back(std::move(track));
  }
  std::vector<GenreTracks> playlists;
  std::set<std::string> names;
  for (auto& [genre, of_genre] : by_genre) {
    std::string name = genre;
    for (char& letter : name)
      if (static_cast<unsigned char>(letter) < 0x20 ||
          std::string_view(R"(/\:*?"<>|)").find(letter) != std::string::npos)
        letter = '-';
    if (name.front() == '.') name.front() = '_';
    if (name.size() > kMostNameBytes) {
      std::size_t end = name.rfind(' ', kMostNameBytes);
      if (end == std::string::npos || end == 0) end = first_bytes(name, kMostNameBytes).size();
      name.resize(end);
    }
    std::string unique = name;
    for (int number = 2; !names.insert(folded(unique)).second; ++number) unique = fmt::format("{} ({})", name, number);
    playlists.push_back({genre, unique, std::move(of_genre)});
  }
  return playlists;
}

}  // namespace genrewise
