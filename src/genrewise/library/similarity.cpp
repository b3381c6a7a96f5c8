#include "genrewise/library/similarity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <queue>
#include <unordered_map>

#include "genrewise/base/floats.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/library/stored.hpp"
#include "genrewise/models/preprocessing.hpp"

namespace genrewise {
namespace {

/// Mean and inverse standard deviation of the columns, of a sample of the catalogue.
struct Scaling {
  std::vector<float> mean, factor;

  void standardise(std::span<float> row) const {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = (row[i] - mean[i]) * factor[i];
  }
  /// Standardises a row and scales it to length 1.
  void apply(std::span<float> row) const {
    standardise(row);
    const float squares = dot(row, row), scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (float& value : row) value *= scale;
  }
};

/// The feature set that most tracks have.
struct MainFeatures {
  FeatureRecipe recipe;
  std::int64_t id = 0;
  std::size_t columns = 0;
};

MainFeatures main_features(const Catalogue& catalogue) {
  auto row = catalogue.database().query(
      "SELECT id, name, version, hash, columns FROM recipes JOIN "
      "(SELECT recipe, count(*) AS tracks FROM features GROUP BY recipe) ON recipe = id ORDER BY tracks DESC LIMIT 1");
  if (!row.next())
    throw Error("no track has features yet", catalogue.file().string(), "analyse some with `genrewise library scan`");
  constexpr std::int64_t kMostColumns = 1 << 20;
  if (row.integer(4) < 1 || row.integer(4) > kMostColumns)
    throw Error(fmt::format("states {} columns of features", row.integer(4)), catalogue.file().string(),
                "the catalogue is damaged: restore it from a backup");
  return {{row.text(1), static_cast<int>(row.integer(2)), row.text(3)},
          row.integer(0),
          static_cast<std::size_t>(row.integer(4))};
}

// Rows are numbered from 1. Larger numbers, which no scan gives, are not read, so that nothing overflows.
std::int64_t last_row(Database& database) {
  auto row = database.query("SELECT max(rowid) FROM features");
  return row.next() ? std::min(row.integer(0), std::int64_t{1} << 50) : 0;
}

Scaling scaling_of(Database& database, const MainFeatures& features) {
  constexpr std::int64_t kSample = 1000;
  const std::int64_t last = last_row(database), step = std::max<std::int64_t>(1, last / kSample);
  std::vector<double> sums(features.columns), squares(features.columns);
  std::vector<float> row(features.columns);
  double count = 0;
  for (std::int64_t from = 1; from <= last; from += step) {
    auto found = database.query("SELECT row FROM features WHERE rowid BETWEEN ? AND ? AND recipe = ? LIMIT 1", from,
                                from + step - 1, features.id);
    if (!found.next()) continue;
    unpack(found.blob(0), row);
    for (std::size_t i = 0; i < row.size(); ++i) {
      sums[i] += row[i];
      squares[i] += double{row[i]} * row[i];
    }
    ++count;
  }
  Scaling scaling;
  for (std::size_t i = 0; i < features.columns; ++i) {
    const double mean = sums[i] / count, variance = squares[i] / count - mean * mean;
    scaling.mean.push_back(static_cast<float>(mean));
    scaling.factor.push_back(variance > 1e-12 * (1 + mean * mean) ? static_cast<float>(1 / std::sqrt(variance)) : 0);
  }
  return scaling;
}

struct Near {
  double similarity = 0;
  std::int64_t track = 0;
  bool operator>(const Near& other) const {
    return std::pair(similarity, -track) > std::pair(other.similarity, -other.track);
  }
};
/// The best `most`; the worst of them on top.
class Nearest {
 public:
  explicit Nearest(std::size_t most) : most_(most) {}
  void add(const Near& one) {
    if (heap_.size() == most_ && (most_ == 0 || !(one > heap_.top()))) return;
    heap_.push(one);
    if (heap_.size() > most_) heap_.pop();
  }
  std::vector<Near> take() {
    std::vector<Near> best;
    for (; !heap_.empty(); heap_.pop()) best.push_back(heap_.top());
    return best;
  }

 private:
  std::size_t most_;
  std::priority_queue<Near, std::vector<Near>, std::greater<>> heap_;
};

/// Two tracks, as indices, of which the second is not shorter.
struct Alike {
  std::size_t first = 0, second = 0;
  double similarity = 0;
};

/// Reads all rows once, on all threads, each with a connection of its own.
std::vector<Near> nearest(const Catalogue& catalogue, const MainFeatures& features, std::span<const float> query,
                          std::size_t n) {
  const Scaling scaling = scaling_of(catalogue.database(), features);
  std::vector<float> target(query.begin(), query.end());
  scaling.apply(target);
  const std::int64_t last = last_row(catalogue.database()), parts = thread_budget();
  std::vector<Nearest> found(static_cast<std::size_t>(parts), Nearest(n));
  parallel_for(found.size(), [&](std::size_t part, int) {
    Database database(catalogue.file(), Database::Mode::read);
    std::vector<float> row(features.columns);
    const auto index = static_cast<std::int64_t>(part);
    auto rows = database.query("SELECT track, row FROM features WHERE rowid > ? AND rowid <= ? AND recipe = ?",
                               last * index / parts, last * (index + 1) / parts, features.id);
    for (std::size_t i = 0; rows.next(); ++i) {
      if (i % 4096 == 0) throw_if_interrupted();
      unpack(rows.blob(1), row);
      scaling.standardise(row);
      const float squares = dot(row, row);
      found[part].add({squares > 0 ? dot(row, target) / std::sqrt(squares) : 0, rows.integer(0)});
    }
  });
  Nearest best(n);
  for (Nearest& part : found)
    for (const Near& one : part.take()) best.add(one);
  std::vector<Near> sorted = best.take();
  std::ranges::reverse(sorted);
  return sorted;
}

std::vector<SimilarTrack> similar_to(const Catalogue& catalogue, const MainFeatures& features,
                                     std::span<const float> row, std::size_t n, const CatalogueTrack* self) {
  constexpr std::size_t kLeftOut = 100;  // missing tracks and copies among the nearest
  std::vector<SimilarTrack> similar;
  for (const Near& one : nearest(catalogue, features, row, n + kLeftOut)) {
    if (similar.size() == n) break;
    auto track = catalogue.track(one.track);
    if (!track || track->missing) continue;
    if (self != nullptr && (track->id == self->id || track->fingerprint == self->fingerprint)) continue;
    similar.push_back({std::move(*track), one.similarity});
  }
  return similar;
}

}  // namespace

Embeddings load_embeddings(const Catalogue& catalogue, std::span<const std::int64_t> tracks) {
  Database& database = catalogue.database();
  const MainFeatures features = main_features(catalogue);
  const Scaling scaling = scaling_of(database, features);
  Embeddings loaded;
  loaded.recipe = features.recipe;
  std::vector<float> values, row(features.columns);
  const auto add = [&](Statement rows) {
    while (rows.next()) {
      unpack(rows.blob(1), row);
      scaling.apply(row);
      loaded.tracks.push_back(rows.integer(0));
      values.insert(values.end(), row.begin(), row.end());
    }
  };
  if (tracks.empty())
    add(
        database.query("SELECT track, row FROM features WHERE recipe = ? AND track IN "
                       "(SELECT id FROM tracks WHERE missing = 0) ORDER BY track",
                       features.id));
  for (const std::int64_t track : tracks)
    add(database.query("SELECT track, row FROM features WHERE recipe = ? AND track = ?", features.id, track));
  loaded.rows = Matrix(loaded.tracks.size(), features.columns, std::move(values));
  return loaded;
}

LibraryMap map_tracks(const Catalogue& catalogue) {
  LibraryMap map;
  if (catalogue.stored_features().empty()) return map;
  Database& database = catalogue.database();
  const MainFeatures features = main_features(catalogue);
  const Scaling scaling = scaling_of(database, features);
  std::vector<std::string> genre_of;
  auto ids = database.query(
      "SELECT id, genre FROM tracks WHERE missing = 0 AND id IN (SELECT track FROM features WHERE recipe = ?) ORDER BY "
      "id",
      features.id);
  while (ids.next()) {
    map.tracks.push_back(ids.integer(0));
    genre_of.push_back(ids.text(1));
  }
  const auto rows_of = [&](std::size_t first, std::size_t end, std::size_t step) {
    Matrix rows((end - first + step - 1) / step, features.columns);
    for (std::size_t i = first; i < end; i += step) {
      auto stored =
          database.query("SELECT row FROM features WHERE track = ? AND recipe = ?", map.tracks[i], features.id);
      const auto row = rows.row((i - first) / step);
      if (!stored.next()) continue;  // removed meanwhile
      unpack(stored.blob(0), row);
      scaling.apply(row);
    }
    return rows;
  };
  const std::size_t count = map.tracks.size(), kSample = 4000, kBlock = 4096;
  map.x.resize(count);
  map.y.resize(count);
  if (count > 2 && features.columns > 1) {
    Preprocessor plane({.standardise = false, .pca_components = 2});
    plane.fit(rows_of(0, count, 1 + (count - 1) / kSample));
    float largest = 1e-12f;
    for (std::size_t first = 0; first < count; first += kBlock) {
      throw_if_interrupted();
      const std::size_t end = std::min(count, first + kBlock);
      const Matrix points = plane.transform(rows_of(first, end, 1));
      for (std::size_t i = first; i < end && points.cols() == 2; ++i) {
        map.x[i] = points.row(i - first)[0];
        map.y[i] = points.row(i - first)[1];
        largest = std::max({largest, std::fabs(map.x[i]), std::fabs(map.y[i])});
      }
    }
    for (auto* values : {&map.x, &map.y})
      for (float& value : *values) value /= largest;
  }
  map.genres = genre_of;
  std::ranges::sort(map.genres);
  const auto repeated = std::ranges::unique(map.genres);
  map.genres.erase(repeated.begin(), repeated.end());
  std::erase(map.genres, "");
  for (const std::string& genre : genre_of) {
    const auto found = std::ranges::lower_bound(map.genres, genre);
    map.genre.push_back(genre.empty() ? -1 : static_cast<int>(found - map.genres.begin()));
  }
  return map;
}

std::vector<SimilarTrack> similar_tracks(const Catalogue& catalogue, std::int64_t track, std::size_t n) {
  const MainFeatures features = main_features(catalogue);
  const auto self = catalogue.track(track);
  auto stored =
      catalogue.database().query("SELECT row FROM features WHERE track = ? AND recipe = ?", track, features.id);
  if (!self || !stored.next())
    throw UsageError("the track has no features", self ? self->path.string() : fmt::format("track {}", track),
                     "analyse it with `genrewise library scan`");
  std::vector<float> row(features.columns);
  unpack(stored.blob(0), row);
  return similar_to(catalogue, features, row, n, &*self);
}

std::vector<SimilarTrack> similar_tracks(const Catalogue& catalogue, std::span<const float> row, std::size_t n) {
  const MainFeatures features = main_features(catalogue);
  if (row.size() != features.columns)
    throw Error(fmt::format("has {} numbers, and the catalogue's features {} have {}", row.size(), features.recipe.name,
                            features.columns),
                "features");
  return similar_to(catalogue, features, row, n, nullptr);
}

std::vector<DuplicateGroup> find_duplicates(const Catalogue& catalogue) {
  std::vector<CatalogueTrack> tracks =
      find_tracks(catalogue, {"duration_s > 0 AND fault = ''", {}}, {QueryOrder::Key::duration});
  std::unordered_map<std::int64_t, std::size_t> row_of;
  Embeddings embeddings;
  if (!catalogue.stored_features().empty()) embeddings = load_embeddings(catalogue);
  for (std::size_t i = 0; i < embeddings.tracks.size(); ++i) row_of[embeddings.tracks[i]] = i;
  const auto similarity = [&](const CatalogueTrack& a, const CatalogueTrack& b) {
    const auto one = row_of.find(a.id), other = row_of.find(b.id);
    if (one == row_of.end() || other == row_of.end()) return -1.f;
    const auto left = embeddings.rows.row(one->second), right = embeddings.rows.row(other->second);
    return dot(left, right);
  };
  std::mutex mutex;
  std::vector<Alike> pairs;
  parallel_for(tracks.size(), [&](std::size_t i, int) {
    for (std::size_t k = i + 1; k < tracks.size(); ++k) {
      const double difference_s = tracks[k].duration_s - tracks[i].duration_s;
      if (difference_s > std::min(kDuplicateSeconds, kDuplicateShare * tracks[k].duration_s)) break;
      const bool same = tracks[i].fingerprint == tracks[k].fingerprint;
      const double alike = same ? 1 : similarity(tracks[i], tracks[k]);
      if (alike < kDuplicateSimilarity) continue;
      const std::lock_guard lock(mutex);
      pairs.push_back({i, k, alike});
    }
  });
  UnionFind sets(tracks.size());
  for (const Alike& pair : pairs) sets.join(pair.second, pair.first);
  std::map<std::size_t, DuplicateGroup> groups;
  for (const Alike& pair : pairs) {
    DuplicateGroup& group = groups[sets.find(pair.first)];
    group.least_similarity = std::min(group.least_similarity, pair.similarity);
  }
  for (std::size_t i = 0; i < tracks.size(); ++i)
    if (const auto group = groups.find(sets.find(i)); group != groups.end())
      group->second.tracks.push_back(std::move(tracks[i]));
  std::vector<DuplicateGroup> sorted;
  for (auto& [first, group] : groups) {
    group.duration_difference_s = group.tracks.back().duration_s - group.tracks.front().duration_s;
    group.same_audio = std::ranges::all_of(
        group.tracks, [&](const CatalogueTrack& one) { return one.fingerprint == group.tracks.front().fingerprint; });
    std::ranges::stable_sort(group.tracks, std::greater(),
                             [](const CatalogueTrack& one) { return static_cast<double>(one.bytes) / one.duration_s; });
    sorted.push_back(std::move(group));
  }
  std::ranges::sort(sorted, {}, [](const DuplicateGroup& group) { return group.tracks.front().path; });
  return sorted;
}

}  // namespace genrewise
