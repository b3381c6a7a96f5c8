#include "genrewise/models/confidence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr std::int64_t kVersion = 1;  // of both sections

double estimated_error(const CoveragePoint& point, std::size_t held_out) {
  const double kept = std::round(point.coverage * static_cast<double>(held_out));
  return (std::round((1 - point.accuracy) * kept) + 1) / (kept + 1);
}

bool is_share(double value) {
  return value >= 0 && value <= 1;
}

void require(bool sound, const char* problem, const TensorArchive& archive) {
  if (!sound) throw Error(problem, archive.name(), "train the model again with this version of genrewise");
}

}  // namespace

void Confidence::calibrate(Matrix& probabilities) const {
  constexpr double kLeast = std::numeric_limits<float>::min();
  if (held_out == 0) return;
  const double rest = 1 - std::accumulate(background.begin(), background.end(), 0.0);
  std::vector<double> powers(background.size());
  for (std::size_t i = 0; i < probabilities.rows(); ++i) {
    const auto row = probabilities.row(i);
    double largest = kLeast, sum = 0;
    for (std::size_t k = 0; k < row.size(); ++k)
      if (background[k] > 0) largest = std::max<double>(largest, row[k]);
    for (std::size_t k = 0; k < row.size(); ++k)
      sum += powers[k] = background[k] > 0 ? std::pow(std::max<double>(row[k], kLeast) / largest, 1 / temperature) : 0;
    for (std::size_t k = 0; k < row.size(); ++k) row[k] = static_cast<float>(rest * powers[k] / sum + background[k]);
  }
}

std::optional<CoveragePoint> Confidence::threshold(double max_error) const {
  if (held_out == 0) return std::nullopt;
  if (max_error >= 1) return CoveragePoint{0, 1, curve.back().accuracy};
  const auto found = std::find_if(curve.rbegin(), curve.rend(), [&](const CoveragePoint& point) {
    return estimated_error(point, held_out) <= max_error;
  });
  return found == curve.rend() ? std::nullopt : std::optional(*found);
}

double Confidence::least_error() const {
  double least = 1;
  for (const CoveragePoint& point : curve) least = std::min(least, estimated_error(point, held_out));
  return least;
}

void Confidence::save(TensorArchive& archive, const std::string& prefix) const {
  if (held_out == 0) return;
  archive.put(prefix + "config", std::vector<std::int64_t>{kVersion, static_cast<std::int64_t>(held_out)});
  archive.put(prefix + "temperature", std::vector<double>{temperature});
  archive.put(prefix + "background", background);
  std::vector<double> points;
  for (const auto& [threshold, coverage, accuracy] : curve)
    points.insert(points.end(), {threshold, coverage, accuracy});
  archive.put(prefix + "curve", points, {curve.size(), 3});
}

void Confidence::load(const TensorArchive& archive, const std::string& prefix, std::size_t labels) {
  const auto config = archive.integers(prefix + "config", 2);
  require(config[0] == kVersion, "its confidence section has another version than this program reads", archive);
  require(config[1] > 0, "its confidence section has no held-out predictions", archive);
  held_out = static_cast<std::size_t>(config[1]);
  temperature = archive.number(prefix + "temperature");
  background = archive.doubles(prefix + "background", labels);
  const double sum = std::accumulate(background.begin(), background.end(), 0.0);
  require(temperature > 0 && std::ranges::all_of(background, is_share) && sum > 0 && sum <= 1,
          "its temperature or background is impossible", archive);
  const std::size_t points = archive.count(prefix + "curve") / 3;
  const auto numbers = archive.doubles(prefix + "curve", points * 3);
  require(points > 0 && numbers[3 * points - 2] == 1 && std::ranges::all_of(numbers, is_share),
          "its curve of accuracy by coverage is impossible", archive);
  for (std::size_t i = 0; i < points; ++i) curve.push_back({numbers[3 * i], numbers[3 * i + 1], numbers[3 * i + 2]});
  require(std::ranges::is_sorted(curve, std::greater(), &CoveragePoint::threshold) &&
              std::ranges::is_sorted(curve, {}, &CoveragePoint::coverage),
          "its curve of accuracy by coverage is not in order", archive);
}

nlohmann::json to_json(const Confidence& confidence) {
  nlohmann::json document = {{"held_out", confidence.held_out},
                             {"temperature", confidence.temperature},
                             {"max_error", kMaxError},
                             {"least_error", confidence.least_error()},
                             {"threshold", nullptr}};
  if (const auto point = confidence.threshold())
    document.update({{"threshold", point->threshold}, {"coverage", point->coverage}, {"accuracy", point->accuracy}});
  return document;
}

void Novelty::fit(const Matrix& table, std::vector<std::size_t> rows, std::span<const double> offsets,
                  std::uint64_t seed) {
  constexpr std::size_t kComponents = 16, kMostNumbers = std::size_t{1} << 25;
  Rng(derive_seed(seed, "novelty")).shuffle(std::span(rows));
  rows.resize(std::min(rows.size(), std::max<std::size_t>(1, kMostNumbers / table.cols())));
  const Matrix examples = table.select_rows(rows);
  standardise_ = Preprocessor(PreprocessingConfig{});
  standardise_.fit(examples, offsets);
  components_ = Preprocessor({.standardise = false,
                              .pca_components = std::min({kComponents, examples.rows(), examples.cols()}),
                              .pca_solver = PcaSolver::randomised,
                              .seed = seed});
  components_.fit(standardise_.transform(examples, offsets));
  limit_ = 1;
}

std::vector<double> Novelty::distances(const Matrix& features, std::span<const double> offsets) const {
  constexpr double kLeastVariance = 1e-3;  // relative to the mean over the columns; below, it is rounding
  constexpr double kFarthest = 1e6;        // also where numbers overflow
  const Matrix standardised = standardise_.transform(features, offsets);
  const Matrix projected = components_.transform(standardised);
  const double columns = static_cast<double>(features.cols());
  std::vector<double> variance = components_.explained_variance_ratio();
  const double rest = 1 - std::accumulate(variance.begin(), variance.end(), 0.0);
  variance.push_back(rest / std::max(columns - static_cast<double>(variance.size()), 1.0));
  for (double& value : variance) value = std::max(value * columns, kLeastVariance);
  std::vector<double> distances;
  for (std::size_t i = 0; i < features.rows(); ++i) {
    double residual = blas::dot(standardised.row(i), standardised.row(i)), sum = 0;
    for (std::size_t k = 0; k < projected.cols(); ++k) {
      const double square = static_cast<double>(projected(i, k)) * projected(i, k);
      sum += square / variance[k];
      residual -= square;
    }
    const double distance = std::sqrt((sum + std::max(residual, 0.0) / variance.back()) / columns) / limit_;
    distances.push_back(distance <= kFarthest ? distance : kFarthest);
  }
  return distances;
}

void Novelty::set_limit(std::vector<double> held_out) {
  std::ranges::sort(held_out);
  limit_ = std::max(held_out[(held_out.size() - 1) * 99 / 100], 1e-3);
}

void Novelty::save(TensorArchive& archive, const std::string& prefix) const {
  if (!is_fitted()) return;
  archive.put(prefix + "config", std::vector<std::int64_t>{kVersion});
  archive.put(prefix + "limit", std::vector<double>{limit_});
  standardise_.save(archive, prefix + "standardise.");
  components_.save(archive, prefix + "components.");
}

void Novelty::load(const TensorArchive& archive, const std::string& prefix, std::size_t columns) {
  require(archive.integer(prefix + "config") == kVersion,
          "its novelty section has another version than this program reads", archive);
  limit_ = archive.number(prefix + "limit");
  standardise_.load(archive, prefix + "standardise.");
  components_.load(archive, prefix + "components.");
  const auto is_negative = [](double share) { return share < 0; };  // rounded, it may be above 1
  require(standardise_.input_columns() == columns && standardise_.output_columns() == columns &&
              components_.input_columns() == columns && !components_.components().empty() && limit_ > 0 &&
              std::ranges::none_of(components_.explained_variance_ratio(), is_negative),
          "its novelty section does not fit its columns", archive);
}

}  // namespace genrewise
