// Rows of the catalogue's tables as values. Private to this module.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/library/catalogue.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/predict/predict.hpp"

namespace genrewise {

/// Numbers as the bytes of a blob: float16, or float32 if one of them is out of its range.
std::vector<std::byte> packed(std::span<const float> numbers);
/// The reverse; the length of the blob tells the format. Throws Error for a blob of another length.
void unpack(std::span<const std::byte> blob, std::span<float> numbers);

/// "SELECT" columns of a CatalogueTrack, for read_track().
extern const std::string_view kTrackColumns;
inline constexpr int kTrackColumnCount = 24;
CatalogueTrack read_track(const Statement& row);
/// Inserts a track (id 0) or replaces the one with its id. Returns the id.
std::int64_t write_track(Database& database, const CatalogueTrack& track);
void write_segments(Database& database, std::int64_t track, std::span<const Segment> segments);
/// `labels`: number of labels of the track's model.
std::vector<Segment> read_segments(Database& database, std::int64_t track, std::size_t labels);

/// The id of a recipe, which is added if it is new.
std::int64_t recipe_id(Database& database, const FeatureRecipe& recipe, std::size_t columns);
/// Adds a model or finds it by its checksum, makes it the current one, and applies its threshold to its tracks. Returns
/// the id. `columns`: of its recipe.
std::int64_t write_model(Database& database, const CatalogueModel& model, std::size_t columns);
/// CatalogueModel::threshold of a predictor's model.
std::optional<double> threshold_of(const Predictor& predictor);
/// Sets what a prediction of that model says.
void set_prediction(CatalogueTrack& track, const Prediction& prediction, const CatalogueModel& model);
/// Predicts all tracks of another model that have a stored row of the model's features, in the caller's transaction.
/// Their segments are removed, because they have the labels of the other model. Returns the number of tracks, and of
/// those whose genre is another one now. `model`: of the predictor, already written. Throws Interrupted.
struct PredictedAnew {
  std::size_t tracks = 0, changed = 0;
};
PredictedAnew predict_stored(Catalogue& catalogue, const Predictor& predictor, const CatalogueModel& model,
                             Progress& progress);
void write_features(Database& database, std::int64_t track, std::int64_t recipe, std::span<const float> row);

/// Absolute, without "..", "." and a slash at the end; links are kept.
std::filesystem::path catalogue_path(const std::filesystem::path& path);

}  // namespace genrewise
