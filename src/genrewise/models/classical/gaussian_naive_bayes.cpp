// Gaussian naive Bayes, as scikit-learn's GaussianNB: each feature is normal within each class, independent of the
// others; var_smoothing times the largest variance of a feature is added to every variance.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr double kLeastVariance = 1e-30;      // keeps everything finite when var_smoothing is 0
constexpr double kVarianceOfConstants = 1.0;  // used as the largest variance when all features are constant

class GaussianNaiveBayes final : public ClassicalClassifier {
 public:
  explicit GaussianNaiveBayes(const ParameterValues& given)
      : ClassicalClassifier(gaussian_naive_bayes(), given), var_smoothing_(read().number("var_smoothing")) {}

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    const auto sizes = class_sizes(classes, class_count);
    const std::size_t cols = examples.cols();
    mean_.assign(sizes.size() * cols, 0);
    variance_.assign(sizes.size() * cols, 0);
    std::vector<double> whole(cols);  // variance of each feature over all classes
    blas::for_blocks(cols, blas::strip_width(cols), [&](std::size_t first, std::size_t count) {
      moments_of_strip(examples, classes, sizes, first, count);
      for (std::size_t j = first; j < first + count; ++j) whole[j] = whole_variance(j, sizes, classes.size());
    });
    const double largest = *std::ranges::max_element(whole);
    const double raise = var_smoothing_ * (largest > 0 ? largest : kVarianceOfConstants);
    for (double& variance : variance_) variance = std::max(variance + raise, kLeastVariance);
    prior_.clear();
    for (std::size_t size : sizes) prior_.push_back(static_cast<double>(size) / static_cast<double>(classes.size()));
    prepare();
  }

  void moments_of_strip(const Matrix& examples, std::span<const int> classes, const std::vector<std::size_t>& sizes,
                        std::size_t first, std::size_t count) {
    const std::size_t cols = examples.cols();
    const auto at = [&](std::vector<double>& table, std::size_t c) { return table.data() + c * cols + first; };
    const auto strip = [&](std::size_t i) { return examples.row(i).subspan(first, count); };
    const auto divide_by_sizes = [&](std::vector<double>& table) {
      for (std::size_t c = 0; c < sizes.size(); ++c)
        for (std::size_t j = 0; j < count; ++j) at(table, c)[j] /= static_cast<double>(sizes[c]);
    };
    for (std::size_t i = 0; i < classes.size(); ++i)
      blas::add(1, strip(i), at(mean_, static_cast<std::size_t>(classes[i])));
    divide_by_sizes(mean_);
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const auto c = static_cast<std::size_t>(classes[i]);
      blas::add_squared_differences(strip(i), at(mean_, c), at(variance_, c));
    }
    divide_by_sizes(variance_);
  }

  double whole_variance(std::size_t column, const std::vector<std::size_t>& sizes, std::size_t examples) const {
    double mean = 0, variance = 0;
    const auto share = [&](std::size_t c) { return static_cast<double>(sizes[c]) / static_cast<double>(examples); };
    for (std::size_t c = 0; c < sizes.size(); ++c) mean += share(c) * mean_[c * columns() + column];
    for (std::size_t c = 0; c < sizes.size(); ++c) {
      const double away = mean_[c * columns() + column] - mean;
      variance += share(c) * (variance_[c * columns() + column] + away * away);
    }
    return variance;
  }

  /// Precomputes what predictions use from the moments.
  void prepare() {
    const std::size_t cols = columns();
    inverse_.resize(variance_.size());
    constant_.assign(prior_.size(), 0);
    for (std::size_t c = 0; c < prior_.size(); ++c) {
      constant_[c] = std::log(prior_[c]);
      for (std::size_t j = c * cols; j < (c + 1) * cols; ++j) {
        inverse_[j] = 1 / variance_[j];
        constant_[c] -= 0.5 * std::log(2 * std::numbers::pi * variance_[j]);
      }
    }
  }

  Matrix probabilities(const Matrix& examples) const override {
    return softmax_of(examples, [&](std::span<const float> example, std::span<double> scores) {
      for (std::size_t c = 0; c < scores.size(); ++c) scores[c] = constant_[c] - 0.5 * squared_distance(example, c);
    });
  }

  /// In units of the class's variances.
  double squared_distance(std::span<const float> row, std::size_t c) const {
    return blas::scaled_squared_distance(row, mean_.data() + c * row.size(), inverse_.data() + c * row.size());
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    const std::vector<std::size_t> shape = {prior_.size(), columns()};
    archive.put(prefix + "mean", mean_, shape);
    archive.put(prefix + "variance", variance_, shape);
    archive.put(prefix + "prior", prior_);
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    const auto classes = static_cast<std::size_t>(class_count());
    mean_ = archive.doubles(prefix + "mean", classes * columns());
    variance_ = archive.doubles(prefix + "variance", classes * columns());
    prior_ = archive.doubles(prefix + "prior", classes);
    const auto above_0 = [](double value) { return value > 0; };
    if (!std::ranges::all_of(variance_, above_0) || !std::ranges::all_of(prior_, above_0))
      throw Error("a variance or prior is not above 0", archive.name());
    prepare();
  }

  double var_smoothing_;
  std::vector<double> mean_, variance_;  // classes x columns; variances include the smoothing
  std::vector<double> prior_;
  std::vector<double> inverse_, constant_;
};

}  // namespace

const ClassifierDescriptor& gaussian_naive_bayes() {
  static const ClassifierDescriptor descriptor = {
      .kind = "gnb",
      .title = "Gaussian naive Bayes",
      .summary = "each feature normal within each class, independent of the others, as scikit-learn's GaussianNB",
      .parameters = {parameter::number("var_smoothing", "1e-9", at_least(0),
                                       "share of the largest feature variance that is added to all variances")
                         .searched("log:-11:0:23", Simpler::larger)},
      .searches = {{"study", {"var_smoothing=log:-11:-9:20"}}, {"wide", {"var_smoothing=log:-11:0:23"}}},
      .presets = {{"gnb", "Gaussian naive Bayes", {}, {"var_smoothing=1e-9,1e-3,1e-1"}, true}},
      .make = [](const ParameterValues& given, std::uint64_t) { return std::make_unique<GaussianNaiveBayes>(given); }};
  return descriptor;
}

}  // namespace genrewise
