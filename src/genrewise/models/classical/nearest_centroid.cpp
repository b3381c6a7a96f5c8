// Nearest centroid, as scikit-learn's NearestCentroid with the Euclidean metric and uniform priors; shrunken centroids
// after Tibshirani, Hastie, Narasimhan and Chu (2002).
#include <algorithm>
#include <cmath>

#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr double kLeastVariance = 1e-30;  // keeps probabilities finite where all examples equal their centroids

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

class NearestCentroid final : public ClassicalClassifier {
 public:
  explicit NearestCentroid(const ParameterValues& given)
      : ClassicalClassifier(nearest_centroid(), given), shrink_threshold_(read().number("shrink_threshold")) {}

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    const auto sizes = class_sizes(classes, class_count);
    const std::size_t cols = examples.cols();
    centroids_.assign(sizes.size() * cols, 0);
    for (std::size_t i = 0; i < classes.size(); ++i) blas::add(1, examples.row(i), centroid(classes[i]));
    std::vector<double> overall(cols);
    for (std::size_t c = 0; c < sizes.size(); ++c) {
      for (std::size_t j = 0; j < cols; ++j) {
        double& mean = centroid(static_cast<int>(c))[j];
        overall[j] += mean / static_cast<double>(classes.size());
        mean /= static_cast<double>(sizes[c]);
      }
    }
    std::vector<double> squares(cols);  // of the distances to the centroid of the class
    for (std::size_t i = 0; i < classes.size(); ++i)
      blas::add_squared_differences(examples.row(i), centroid(classes[i]), squares.data());
    // With as many examples as classes there are no degrees of freedom, and all squares are 0.
    const auto freedom = static_cast<double>(std::max<std::size_t>(classes.size() - sizes.size(), 1));
    variance_ = 0;
    for (double& square : squares) {
      square /= freedom;
      variance_ += square / static_cast<double>(cols);
    }
    variance_ = std::max(variance_, kLeastVariance);
    if (shrink_threshold_ > 0) shrink(overall, squares, sizes, classes.size());
  }

  // Moves each centroid towards the overall one by shrink_threshold standard errors per column, at most onto it.
  void shrink(const std::vector<double>& overall, const std::vector<double>& variances,
              const std::vector<std::size_t>& sizes, std::size_t examples) {
    std::vector<double> deviations(variances.size());
    std::ranges::transform(variances, deviations.begin(), [](double variance) { return std::sqrt(variance); });
    const double added = median(deviations);
    for (std::size_t c = 0; c < sizes.size(); ++c) {
      const double scale = std::sqrt(1 / static_cast<double>(sizes[c]) - 1 / static_cast<double>(examples));
      for (std::size_t j = 0; j < overall.size(); ++j) {
        double& mean = centroid(static_cast<int>(c))[j];
        const double away = mean - overall[j], step = shrink_threshold_ * scale * (deviations[j] + added);
        mean = overall[j] + std::copysign(std::max(std::abs(away) - step, 0.0), away);
      }
    }
  }

  // Log posterior, but for a constant, of spherical Gaussians with equal priors and the variance within classes,
  // averaged over the columns.
  AddScores scorer() const {
    return [this, factors = std::vector<double>(columns(), -0.5 / variance_)](std::span<const float> example,
                                                                              std::span<double> scores) {
      for (std::size_t c = 0; c < scores.size(); ++c)
        scores[c] = blas::scaled_squared_distance(example, centroids_.data() + c * columns(), factors.data());
    };
  }
  Matrix probabilities(const Matrix& examples) const override { return softmax_of(examples, scorer()); }
  Matrix decision_values(const Matrix& examples) const override { return decision_values_of(examples, scorer()); }

  double* centroid(int c) { return centroids_.data() + static_cast<std::size_t>(c) * columns(); }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    archive.put(prefix + "centroids", centroids_, {static_cast<std::size_t>(class_count()), columns()});
    archive.put(prefix + "variance", std::vector<double>{variance_});
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    centroids_ = archive.doubles(prefix + "centroids", static_cast<std::size_t>(class_count()) * columns());
    variance_ = std::max(archive.doubles(prefix + "variance", 1).front(), kLeastVariance);
  }

  double shrink_threshold_;
  std::vector<double> centroids_;  // classes x columns
  double variance_ = 1;
};

}  // namespace

const ClassifierDescriptor& nearest_centroid() {
  static const ClassifierDescriptor descriptor = {
      .kind = "centroid",
      .title = "Nearest centroid",
      .summary = "the class whose mean is nearest, as scikit-learn's NearestCentroid",
      .parameters = {parameter::number("shrink_threshold", "0", at_least(0),
                                       "standard errors by which class means are moved towards the overall mean")
                         .searched("0,0.5,1,2,4", Simpler::larger)},
      .presets = {{"centroid", "Nearest centroid", {}, {"shrink_threshold=0,0.5,1,2"}, false}},
      .capabilities = {.scores = true},
      .make = [](const ParameterValues& given, std::uint64_t) { return std::make_unique<NearestCentroid>(given); }};
  return descriptor;
}

}  // namespace genrewise
