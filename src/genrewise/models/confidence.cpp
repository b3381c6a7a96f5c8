#include "genrewise/models/confidence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "genrewise/base/error.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kCurveColumns = 3;

double estimated_error(const CoveragePoint& point, std::size_t held_out) {
  const double kept = std::round(point.coverage * static_cast<double>(held_out));
  return (std::round((1 - point.accuracy) * kept) + 1) / (kept + 1);
}

bool is_share(double value) {
  return value >= 0 && value <= 1;
}

}  // namespace

void Confidence::calibrate(Matrix& probabilities) const {
  constexpr float kLeast = std::numeric_limits<float>::min();
  if (held_out == 0) return;
  const double even = even_share / static_cast<double>(present.size());
  std::vector<double> powers(present.size());
  for (std::size_t i = 0; i < probabilities.rows(); ++i) {
    const auto row = probabilities.row(i);
    float largest = kLeast;
    for (const std::size_t label : present) largest = std::max(largest, row[label]);
    double sum = 0;
    for (std::size_t k = 0; k < present.size(); ++k)
      sum += powers[k] = std::pow(std::max(row[present[k]], kLeast) / static_cast<double>(largest), 1 / temperature);
    std::ranges::fill(row, 0.0F);
    for (std::size_t k = 0; k < present.size(); ++k)
      row[present[k]] = static_cast<float>((1 - even_share) * powers[k] / sum + even);
  }
}

std::optional<CoveragePoint> Confidence::threshold(double max_error) const {
  if (held_out == 0) return std::nullopt;
  if (max_error >= 1) return CoveragePoint{0, 1, curve.back().accuracy};
  const auto reached = [&](const CoveragePoint& point) { return estimated_error(point, held_out) <= max_error; };
  const auto found = std::find_if(curve.rbegin(), curve.rend(), reached);
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
  archive.put(prefix + "scale", std::vector<double>{temperature, even_share});
  archive.put(prefix + "present", std::vector<std::int64_t>(present.begin(), present.end()));
  std::vector<double> points;
  for (const CoveragePoint& point : curve)
    points.insert(points.end(), {point.threshold, point.coverage, point.accuracy});
  archive.put(prefix + "curve", points, {curve.size(), kCurveColumns});
}

void Confidence::load(const TensorArchive& archive, const std::string& prefix, std::size_t labels) {
  const auto require = [&](bool sound, const char* problem) {
    if (!sound) throw Error(problem, archive.name(), "train the model again with this version of genrewise");
  };
  const auto config = archive.integers(prefix + "config", 2);
  require(config[0] == kVersion, "its confidence section has another version than this program reads");
  require(config[1] > 0, "its confidence section has no held-out predictions");
  held_out = static_cast<std::size_t>(config[1]);
  const auto scale = archive.doubles(prefix + "scale", 2);
  temperature = scale[0], even_share = scale[1];
  require(temperature > 0 && is_share(even_share), "its temperature or its share of equal probabilities is impossible");
  const std::size_t count = archive.count(prefix + "present");
  require(count > 0 && count <= labels, "its confidence section has other labels than the model");
  for (const std::int64_t label : archive.integers(prefix + "present", count)) {
    require(label >= 0 && static_cast<std::size_t>(label) < labels &&
                (present.empty() || static_cast<std::size_t>(label) > present.back()),
            "its confidence section has other labels than the model");
    present.push_back(static_cast<std::size_t>(label));
  }
  const std::size_t points = archive.count(prefix + "curve") / kCurveColumns;
  const auto numbers = archive.doubles(prefix + "curve", points * kCurveColumns);
  for (std::size_t i = 0; i < points; ++i) {
    const CoveragePoint point{numbers[3 * i], numbers[3 * i + 1], numbers[3 * i + 2]};
    const bool follows =
        curve.empty() || (point.threshold < curve.back().threshold && point.coverage > curve.back().coverage);
    require(follows && is_share(point.threshold) && is_share(point.coverage) && is_share(point.accuracy),
            "its curve of accuracy by coverage is impossible");
    curve.push_back(point);
  }
  require(!curve.empty() && curve.back().coverage == 1, "its curve of accuracy by coverage is incomplete");
}

nlohmann::json to_json(const Confidence& confidence) {
  nlohmann::json document = {{"held_out", confidence.held_out},
                             {"temperature", confidence.temperature},
                             {"even_share", confidence.even_share},
                             {"max_error", kMaxError},
                             {"least_error", confidence.least_error()},
                             {"threshold", nullptr},
                             {"coverage", nullptr},
                             {"accuracy", nullptr}};
  if (const auto point = confidence.threshold())
    document.update({{"threshold", point->threshold}, {"coverage", point->coverage}, {"accuracy", point->accuracy}});
  return document;
}

}  // namespace genrewise
