#include "genrewise/library/stored.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "genrewise/base/byte_text.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/half.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise {
namespace {

constexpr float kLargestHalf = 65504;

template <class Number>
void append(std::vector<std::byte>& bytes, std::span<const Number> numbers) {
  const auto raw = std::as_bytes(numbers);
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

/// Probabilities in steps of 1/255.
std::vector<std::uint8_t> packed_shares(std::span<const float> shares) {
  std::vector<std::uint8_t> bytes(shares.size());
  std::ranges::transform(shares, bytes.begin(),
                         [](float share) { return static_cast<std::uint8_t>(std::lround(255 * share)); });
  return bytes;
}

std::vector<float> unpacked_shares(std::span<const std::byte> blob) {
  std::vector<float> shares(blob.size());
  std::ranges::transform(blob, shares.begin(), [](std::byte share) { return static_cast<float>(share) / 255; });
  return shares;
}

}  // namespace

std::vector<std::byte> packed(std::span<const float> numbers) {
  std::vector<std::byte> bytes;
  if (std::ranges::all_of(numbers, [](float number) { return std::fabs(number) <= kLargestHalf; })) {
    std::vector<std::uint16_t> halfs(numbers.size());
    std::ranges::transform(numbers, halfs.begin(), to_half);
    append(bytes, std::span<const std::uint16_t>(halfs));
  } else {
    append(bytes, numbers);
  }
  return bytes;
}

void unpack(std::span<const std::byte> blob, std::span<float> numbers) {
  if (blob.size() == numbers.size_bytes()) {
    std::memcpy(numbers.data(), blob.data(), blob.size());
  } else if (blob.size() == numbers.size() * sizeof(std::uint16_t)) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      std::uint16_t half = 0;
      std::memcpy(&half, blob.data() + i * sizeof half, sizeof half);
      numbers[i] = from_half(half);
    }
  } else {
    throw Error(fmt::format("a stored row has {} bytes, which is no row of {} numbers", blob.size(), numbers.size()),
                "catalogue", "forget the track and scan again");
  }
}

const std::string_view kTrackColumns =
    "id, path, missing, bytes, modified_ns, added_s, fingerprint, duration_s, artist, album_artist, album, title, "
    "tag_genres, tracks.track, year, fault, fault_detail, correction, predicted, confidence, unknown, novelty, model, "
    "probabilities";

CatalogueTrack read_track(const Statement& row) {
  CatalogueTrack track;
  track.id = row.integer(0);
  track.path = row.text(1);
  track.missing = row.integer(2) != 0;
  track.bytes = static_cast<std::uint64_t>(row.integer(3));
  track.modified_ns = row.integer(4);
  track.added_s = row.integer(5);
  track.fingerprint = row.text(6);
  track.duration_s = row.real(7);
  track.tags = {{},
                row.text(8),
                row.text(9),
                row.text(10),
                row.text(11),
                static_cast<int>(row.integer(13)),
                static_cast<int>(row.integer(14))};
  if (const std::string genres = row.text(12); !genres.empty()) track.tags.genres = split_text(genres, '\n');
  track.fault = row.text(15);
  track.fault_detail = row.text(16);
  track.correction = row.text(17);
  track.predicted = row.text(18);
  track.confidence = row.real(19);
  track.unknown = row.integer(20) != 0;
  track.novelty = row.optional_real(21);
  track.model = row.integer(22);
  track.probabilities = unpacked_shares(row.blob(kTrackColumnCount - 1));
  return track;
}

std::int64_t write_track(Database& database, const CatalogueTrack& track) {
  static const std::string sql = [] {
    std::string names, marks, updates;
    for (const std::string& part : split_text(kTrackColumns, ',')) {
      const std::string column(trimmed(part.substr(part.find('.') + 1)));
      const char* comma = names.empty() ? "" : ", ";
      names += comma + column;
      marks += fmt::format("{}?", comma);
      updates += fmt::format("{}{} = excluded.{}", comma, column, column);
    }
    return fmt::format("INSERT INTO tracks ({}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {} RETURNING id", names,
                       marks, updates);
  }();
  const std::string genres = fmt::format("{}", fmt::join(track.tags.genres, "\n"));
  const std::vector<std::uint8_t> probabilities = packed_shares(track.probabilities);
  const auto unless_0 = [](std::int64_t id) { return id == 0 ? std::nullopt : std::optional(id); };
  Statement row =
      database.query(sql, unless_0(track.id), track.path.string(), track.missing, track.bytes, track.modified_ns,
                     track.added_s, track.fingerprint, track.duration_s, track.tags.artist, track.tags.album_artist,
                     track.tags.album, track.tags.title, genres, track.tags.track, track.tags.year, track.fault,
                     track.fault_detail, track.correction, track.predicted, track.confidence, track.unknown,
                     track.novelty, unless_0(track.model), std::as_bytes(std::span(probabilities)));
  row.next();
  const std::int64_t id = row.integer(0);
  row.run();
  return id;
}

void write_segments(Database& database, std::int64_t track, std::span<const Segment> segments) {
  std::vector<std::byte> windows;
  for (const Segment& segment : segments) {
    const float times[2] = {static_cast<float>(segment.start_s), static_cast<float>(segment.duration_s)};
    append(windows, std::span<const float>(times));
    append(windows, std::span<const std::uint8_t>(packed_shares(segment.probabilities)));
  }
  database.run("REPLACE INTO segments VALUES (?, ?)", track, std::span<const std::byte>(windows));
}

std::vector<Segment> read_segments(Database& database, std::int64_t track, std::size_t labels) {
  auto row = database.query("SELECT windows FROM segments WHERE track = ?", track);
  if (!row.next()) return {};
  std::span<const std::byte> blob = row.blob(0);
  const std::size_t bytes = 2 * sizeof(float) + labels;
  std::vector<Segment> segments(blob.size() / bytes);
  for (Segment& segment : segments) {
    float times[2];
    unpack(blob.first(sizeof times), times);
    segment = {times[0], times[1], unpacked_shares(blob.subspan(sizeof times, labels))};
    blob = blob.subspan(bytes);
  }
  return segments;
}

std::int64_t recipe_id(Database& database, const FeatureRecipe& recipe, std::size_t columns) {
  database.run("INSERT OR IGNORE INTO recipes (name, version, hash, columns) VALUES (?, ?, ?, ?)", recipe.name,
               recipe.version, recipe.hash, columns);
  auto row = database.query("SELECT id FROM recipes WHERE name = ? AND version = ? AND hash = ?", recipe.name,
                            recipe.version, recipe.hash);
  row.next();
  return row.integer(0);
}

std::int64_t write_model(Database& database, const CatalogueModel& model, std::size_t columns) {
  auto row = database.query(
      "INSERT INTO models (name, sha256, labels, recipe, threshold, used) "
      "VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(used), 0) + 1 FROM models)) ON CONFLICT (sha256) DO UPDATE SET "
      "name = excluded.name, threshold = excluded.threshold, used = excluded.used RETURNING id",
      model.name, model.sha256, any_texts(model.labels).dump(), recipe_id(database, model.recipe, columns),
      model.threshold);
  row.next();
  const std::int64_t id = row.integer(0);
  row.run();
  database.run("UPDATE tracks SET unknown = confidence < ? WHERE model = ? AND unknown != (confidence < ?)",
               model.threshold.value_or(0), id, model.threshold.value_or(0));
  return id;
}

std::optional<double> threshold_of(const Predictor& predictor) {
  constexpr double kAll = 2;
  return predictor.confidence().held_out > 0 ? std::optional(predictor.threshold().value_or(kAll)) : std::nullopt;
}

void set_prediction(CatalogueTrack& track, const Prediction& prediction, const CatalogueModel& model) {
  const std::size_t best = ranked(prediction.probabilities).front();
  track.model = model.id;
  track.predicted = model.labels[best];
  track.confidence = prediction.probabilities[best];
  track.unknown = track.confidence < model.threshold.value_or(0);
  track.novelty = prediction.novelty;
  track.probabilities = prediction.probabilities;
}

PredictedAnew predict_stored(Catalogue& catalogue, const Predictor& predictor, const CatalogueModel& model,
                             Progress& progress) {
  constexpr int kAtOnce = 1024;
  Database& database = catalogue.database();
  const std::int64_t recipe = recipe_id(database, model.recipe, predictor.features().size());
  const std::string from = "FROM tracks JOIN features ON features.track = id WHERE recipe = ? AND model IS NOT ?";
  auto total = database.query("SELECT count(*) " + from, recipe, model.id);
  total.next();
  progress.begin("predicting anew", "tracks", static_cast<std::uint64_t>(total.integer(0)));
  PredictedAnew done;
  for (std::int64_t last = -1; last != 0;) {
    std::vector<CatalogueTrack> tracks;
    std::vector<Matrix> features;
    auto rows = database.query(fmt::format("SELECT {}, row {} AND id > ? ORDER BY id LIMIT ?", kTrackColumns, from),
                               recipe, model.id, last, kAtOnce);
    while (rows.next()) {
      tracks.push_back(read_track(rows));
      features.emplace_back(1, predictor.features().size());
      unpack(rows.blob(kTrackColumnCount), features.back().values());
    }
    std::vector<Prediction> predictions(tracks.size());
    parallel_for(tracks.size(), [&](std::size_t i, int) { predictions[i] = predictor.predict_features(features[i]); });
    for (std::size_t i = 0; i < tracks.size(); ++i) {
      const std::string before = tracks[i].genre();
      set_prediction(tracks[i], predictions[i], model);
      done.changed += tracks[i].genre() != before ? 1 : 0;
      write_track(database, tracks[i]);
      database.run("DELETE FROM segments WHERE track = ?", tracks[i].id);
    }
    done.tracks += tracks.size();
    progress.advance(tracks.size());
    last = tracks.empty() ? 0 : tracks.back().id;
  }
  progress.finish();
  return done;
}

void write_features(Database& database, std::int64_t track, std::int64_t recipe, std::span<const float> row) {
  const std::vector<std::byte> bytes = packed(row);
  database.run("REPLACE INTO features (track, recipe, row) VALUES (?, ?, ?)", track, recipe,
               std::span<const std::byte>(bytes));
}

std::filesystem::path catalogue_path(const std::filesystem::path& path) {
  std::filesystem::path normal = absolute_path(path).lexically_normal();
  return normal.has_filename() || normal == normal.root_path() ? normal : normal.parent_path();
}

}  // namespace genrewise
