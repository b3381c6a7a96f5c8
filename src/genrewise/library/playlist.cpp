#include "genrewise/library/playlist.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/library/similarity.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kNeighbours = 16, kLanes = 16, kMostNameBytes = 200;

float distance(std::span<const float> a, std::span<const float> b) {
  float sums[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  for (; i < a.size(); ++i) sums[0] += a[i] * b[i];
  return 1 - std::accumulate(std::begin(sums), std::end(sums), 0.0F);
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

double confidence_of(const CatalogueTrack& track) {
  return track.correction.empty() ? track.confidence : 1;
}

std::vector<std::int64_t> ids_of(std::span<const CatalogueTrack> tracks) {
  std::vector<std::int64_t> ids;
  for (const CatalogueTrack& track : tracks) ids.push_back(track.id);
  return ids;
}

/// The tracks in this order of their ids, and then, if `keep_others`, the others.
std::vector<CatalogueTrack> in_order(std::vector<CatalogueTrack> tracks, std::span<const std::int64_t> ids,
                                     bool keep_others) {
  std::map<std::int64_t, std::size_t> position;
  for (const std::int64_t id : ids) position.emplace(id, position.size());
  const auto position_of = [&](const CatalogueTrack& track) {
    const auto found = position.find(track.id);
    return found == position.end() ? position.size() : found->second;
  };
  if (!keep_others) std::erase_if(tracks, [&](const CatalogueTrack& track) { return !position.contains(track.id); });
  std::ranges::stable_sort(tracks, {}, position_of);
  return tracks;
}

std::vector<CatalogueTrack> most_similar_first(const Catalogue& catalogue, std::vector<CatalogueTrack> tracks,
                                               std::int64_t start) {
  if (std::ranges::find(tracks, start, &CatalogueTrack::id) == tracks.end())
    if (auto track = catalogue.track(start)) tracks.push_back(std::move(*track));
  const Embeddings embeddings = load_embeddings(catalogue, ids_of(tracks));
  const auto found = std::ranges::find(embeddings.tracks, start);
  if (found == embeddings.tracks.end())
    throw Error("the track has no features to compare", "--like", "scan its folder again with --retry");
  const auto first = static_cast<std::size_t>(found - embeddings.tracks.begin());
  std::vector<std::pair<float, std::int64_t>> ranked;
  for (std::size_t i = 0; i < embeddings.tracks.size(); ++i)
    ranked.emplace_back(i == first ? -1 : distance(embeddings.rows.row(first), embeddings.rows.row(i)),
                        embeddings.tracks[i]);
  std::ranges::sort(ranked);
  std::vector<std::int64_t> ids;
  for (const auto& [away, id] : ranked) ids.push_back(id);
  return in_order(std::move(tracks), ids, false);
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
      float least = 3;
      for (std::size_t row = 0; row < rows.rows(); ++row)
        if (!used[row])
          if (const float away = distance(rows.row(here), rows.row(row)); away < least) least = away, next = row;
    }
    path.push_back(next);
    used[next] = true;
  }
  TwoOpt two_opt(rows, path);
  while (two_opt.improve(nearest)) {
  }
  return path;
}

double path_length(const Matrix& rows, std::span<const std::size_t> order) {
  double length = 0;
  for (std::size_t i = 1; i < order.size(); ++i)
    length += static_cast<double>(distance(rows.row(order[i - 1]), rows.row(order[i])));
  return length;
}

std::vector<CatalogueTrack> choose_tracks(const Catalogue& catalogue, std::vector<CatalogueTrack> tracks,
                                          const PlaylistConfig& config) {
  using enum PlaylistOrder;
  if (config.order == similar && config.start == 0)
    throw UsageError("needs a track to compare with", "--order similar", "give one with --like");
  std::erase_if(tracks, [](const CatalogueTrack& track) { return track.missing || !file_exists(track.path); });
  std::ranges::sort(tracks, {}, &CatalogueTrack::path);
  if (config.order == random) Rng(derive_seed(config.seed, "playlist")).shuffle(std::span(tracks));
  if (config.start != 0) {
    tracks = most_similar_first(catalogue, std::move(tracks), config.start);
  } else if (config.order == confidence || config.order == smooth) {
    std::ranges::stable_sort(tracks, std::greater(), confidence_of);
  }
  apply_quotas(tracks, config);
  if (config.order == smooth && tracks.size() > 2) {
    const Embeddings embeddings = load_embeddings(catalogue, ids_of(tracks));
    const auto first = std::ranges::find_first_of(tracks, embeddings.tracks, {}, &CatalogueTrack::id);
    if (first == tracks.end()) throw Error("the tracks have no features for a smooth order", "--order", "scan them");
    const auto start =
        static_cast<std::size_t>(std::ranges::find(embeddings.tracks, first->id) - embeddings.tracks.begin());
    std::vector<std::int64_t> ids;
    for (const std::size_t row : smooth_path(embeddings.rows, start)) ids.push_back(embeddings.tracks[row]);
    return in_order(std::move(tracks), ids, true);
  }
  if (config.start != 0 && config.order == path) std::ranges::sort(tracks, {}, &CatalogueTrack::path);
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
    if (name.size() > kMostNameBytes)
      name.resize(name.rfind(' ', kMostNameBytes) == std::string::npos ? kMostNameBytes
                                                                       : name.rfind(' ', kMostNameBytes));
    std::string unique = name;
    for (int number = 2; !names.insert(folded(unique)).second; ++number) unique = fmt::format("{} ({})", name, number);
    playlists.push_back({genre, unique, std::move(of_genre)});
  }
  return playlists;
}

}  // namespace genrewise
