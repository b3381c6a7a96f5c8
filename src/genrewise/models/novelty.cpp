#include "genrewise/models/novelty.hpp"

#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kComponents = 16;
constexpr std::size_t kMostNumbers = std::size_t{1} << 25;
constexpr double kLeastVariance = 1e-3;  // relative to the mean over the columns; below, it is rounding
constexpr double kFarthest = 1e6;        // also for numbers that overflow

}  // namespace

void Novelty::fit(const Matrix& table, std::span<const std::size_t> rows, std::span<const double> offsets,
                  std::uint64_t seed) {
  std::vector<std::size_t> sample(rows.begin(), rows.end());
  Rng rng(derive_seed(seed, "novelty"));
  rng.shuffle(std::span(sample));
  sample.resize(std::min(sample.size(), std::max<std::size_t>(1, kMostNumbers / table.cols())));
  const Matrix examples = table.select_rows(sample);
  standardise_ = Preprocessor({.standardise = true});
  standardise_.fit(examples, offsets);
  components_ = Preprocessor({.standardise = false,
                              .pca_components = std::min({kComponents, examples.rows(), examples.cols()}),
                              .pca_solver = PcaSolver::randomised,
                              .seed = seed});
  components_.fit(standardise_.transform(examples, offsets));
  limit_ = 1;
}

std::vector<double> Novelty::distances(const Matrix& examples, std::span<const double> offsets) const {
  const Matrix standardised = standardise_.transform(examples, offsets);
  const Matrix projected = components_.transform(standardised);
  const double columns = static_cast<double>(examples.cols());
  std::vector<double> variance;  // of each component, then of each remaining direction; the mean of all is 1
  double rest = 1;
  for (const double share : components_.explained_variance_ratio()) {
    variance.push_back(std::max(share * columns, kLeastVariance));
    rest -= share;
  }
  const double directions = std::max(columns - static_cast<double>(variance.size()), 1.0);
  variance.push_back(std::max(rest * columns / directions, kLeastVariance));
  std::vector<double> distances;
  for (std::size_t i = 0; i < examples.rows(); ++i) {
    double residual = blas::dot(standardised.row(i), standardised.row(i)), sum = 0;
    for (std::size_t k = 0; k < projected.cols(); ++k) {
      const double square = static_cast<double>(projected(i, k)) * projected(i, k);
      sum += square / variance[k];
      residual -= square;
    }
    sum += std::max(residual, 0.0) / variance.back();
    const double distance = std::sqrt(sum / columns) / limit_;
    distances.push_back(distance <= kFarthest ? distance : kFarthest);
  }
  return distances;
}

void Novelty::set_limit(std::vector<double> held_out, double quantile) {
  std::ranges::sort(held_out);
  const auto at = static_cast<std::size_t>(quantile * static_cast<double>(held_out.size() - 1));
  limit_ = std::max(held_out[at] * limit_, 1e-3);
}

void Novelty::save(TensorArchive& archive, const std::string& prefix) const {
  if (!is_fitted()) return;
  archive.put(prefix + "config", std::vector<std::int64_t>{kVersion});
  archive.put(prefix + "limit", std::vector<double>{limit_});
  standardise_.save(archive, prefix + "standardise.");
  components_.save(archive, prefix + "components.");
}

void Novelty::load(const TensorArchive& archive, const std::string& prefix, std::size_t columns) {
  if (archive.integer(prefix + "config") != kVersion)
    throw Error("its novelty section has another version than this program reads", archive.name(),
                "train the model again with this version of genrewise");
  limit_ = archive.number(prefix + "limit");
  standardise_.load(archive, prefix + "standardise.");
  components_.load(archive, prefix + "components.");
  const bool fits = standardise_.input_columns() == columns && standardise_.output_columns() == columns &&
                    components_.input_columns() == columns && limit_ > 0;
  const auto is_negative = [](double share) { return share < 0; };
  if (!fits || std::ranges::any_of(components_.explained_variance_ratio(), is_negative))
    throw Error("its novelty section does not fit its columns", archive.name());
}

}  // namespace genrewise
