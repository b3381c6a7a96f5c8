// Multi-layer perceptron, as scikit-learn's MLPClassifier with the Adam solver: Glorot-uniform initialisation, l2
// penalty alpha per batch, batches reshuffled in each epoch, early end when the loss has not fallen by tol for
// n_iter_no_change epochs. Unlike there, two classes have two outputs.
#include <algorithm>
#include <cmath>
#include <limits>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/classical/perceptron.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

// Loops without vector types are vectorised by the compiler, for each target.
HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

void adam(const float* gradient, std::size_t count, float rate, float beta1, float beta2, float epsilon, float* first,
          float* second, float* values) {
  for (std::size_t i = 0; i < count; ++i) {
    first[i] = beta1 * first[i] + (1 - beta1) * gradient[i];
    second[i] = beta2 * second[i] + (1 - beta2) * gradient[i] * gradient[i];
    values[i] -= rate * first[i] / (std::sqrt(second[i]) + epsilon);
  }
}

void rectify(float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) values[i] = std::max(values[i], 0.0f);
}

// Derivatives of activations, from their values.
void multiply_by_slope_of_relu(const float* values, std::size_t count, float* gradient) {
  for (std::size_t i = 0; i < count; ++i) gradient[i] *= values[i] > 0 ? 1.0f : 0.0f;
}
void multiply_by_slope_of_tanh(const float* values, std::size_t count, float* gradient) {
  for (std::size_t i = 0; i < count; ++i) gradient[i] *= 1 - values[i] * values[i];
}
void multiply_by_slope_of_logistic(const float* values, std::size_t count, float* gradient) {
  for (std::size_t i = 0; i < count; ++i) gradient[i] *= values[i] * (1 - values[i]);
}

void add_quotients(const float* values, std::size_t count, float divisor, float* sums) {
  for (std::size_t i = 0; i < count; ++i) sums[i] += values[i] / divisor;
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(adam);
HWY_EXPORT(rectify);
HWY_EXPORT(multiply_by_slope_of_relu);
HWY_EXPORT(multiply_by_slope_of_tanh);
HWY_EXPORT(multiply_by_slope_of_logistic);
HWY_EXPORT(add_quotients);

namespace {

using blas::Form;
using blas::View;

constexpr std::size_t kPredictBlock = 256;

/// Parameters of one layer (outputs x inputs, and biases).
struct Layer {
  Matrix weights;
  std::vector<float> bias;
};

struct AdamConfig {
  float rate, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
};

/// Kingma and Ba (2015), for one array of parameters.
class Adam {
 public:
  explicit Adam(std::size_t size) : first_(size), second_(size) {}
  void step(const AdamConfig& config, long long t, std::span<const float> gradient, std::span<float> values) {
    const auto correction = static_cast<float>(std::sqrt(1 - std::pow(static_cast<double>(config.beta2), t)) /
                                               (1 - std::pow(static_cast<double>(config.beta1), t)));
    const float rate = config.rate * correction;
    const auto update = HWY_DYNAMIC_DISPATCH(adam);
    update(gradient.data(), values.size(), rate, config.beta1, config.beta2, config.epsilon, first_.data(),
           second_.data(), values.data());
  }

 private:
  std::vector<float> first_, second_;
};

enum class Activation { relu, tanh, logistic, identity };  // in the order of the parameter's words

void activate(Activation kind, std::span<float> values) {
  switch (kind) {
    case Activation::relu:
      return HWY_DYNAMIC_DISPATCH(rectify)(values.data(), values.size());
    case Activation::tanh:
      for (float& v : values) v = std::tanh(v);
      return;
    case Activation::logistic:
      for (float& v : values) v = 1 / (1 + std::exp(-v));
      return;
    case Activation::identity:
      return;
  }
}

/// Multiplies by the activation's derivative, computed from its value.
void multiply_by_derivative(Activation kind, std::span<const float> values, std::span<float> gradient) {
  switch (kind) {
    case Activation::relu:
      return HWY_DYNAMIC_DISPATCH(multiply_by_slope_of_relu)(values.data(), values.size(), gradient.data());
    case Activation::tanh:
      return HWY_DYNAMIC_DISPATCH(multiply_by_slope_of_tanh)(values.data(), values.size(), gradient.data());
    case Activation::logistic:
      return HWY_DYNAMIC_DISPATCH(multiply_by_slope_of_logistic)(values.data(), values.size(), gradient.data());
    case Activation::identity:
      return;
  }
}

void softmax_rows(Matrix& scores) {
  for (std::size_t i = 0; i < scores.rows(); ++i) {
    const auto row = scores.row(i);
    const float largest = *std::ranges::max_element(row);
    float sum = 0;
    for (float& v : row) sum += v = std::exp(v - largest);
    for (float& v : row) v /= sum;
  }
}

class Perceptron final : public ClassicalClassifier {
 public:
  Perceptron(const ParameterValues& given, std::uint64_t seed)
      : ClassicalClassifier(perceptron(), given),
        seed_(seed),
        hidden_(read().integers("hidden_layer_sizes")),
        alpha_(static_cast<float>(read().number("alpha"))),
        batch_(read().is("batch_size", "auto") ? 200 : static_cast<std::size_t>(read().integer("batch_size"))),
        adam_{static_cast<float>(read().number("learning_rate_init"))},
        most_epochs_(read().integer("max_iter")),
        patience_(read().integer("n_iter_no_change")),
        tolerance_(read().number("tol")),
        activation_(chosen<Activation>("activation")) {}

 private:
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> result = {columns()};
    result.insert(result.end(), hidden_.begin(), hidden_.end());
    result.push_back(static_cast<std::size_t>(class_count()));
    return result;
  }

  void initialise(Rng& rng) {
    const auto widths = sizes();
    layers_.clear();
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
      const double factor = activation_ == Activation::logistic ? 2 : 6;
      const double most = std::sqrt(factor / static_cast<double>(widths[l] + widths[l + 1]));
      const auto draw = [&] { return static_cast<float>(most * (2 * rng.uniform() - 1)); };
      Layer layer{Matrix(widths[l + 1], widths[l]), std::vector<float>(widths[l + 1])};
      std::ranges::generate(layer.weights.values(), draw);
      std::ranges::generate(layer.bias, draw);
      layers_.push_back(std::move(layer));
    }
  }

  void fit_classes(const Matrix& examples, std::span<const int> classes, int /*class_count*/) override {
    Rng rng(derive_seed(seed_, "mlp"));
    initialise(rng);
    std::vector<Adam> of_weights, of_bias;
    for (const Layer& layer : layers_) {
      of_weights.emplace_back(layer.weights.values().size());
      of_bias.emplace_back(layer.bias.size());
    }
    std::vector<std::size_t> order(examples.rows());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const std::size_t batch = std::min(batch_, examples.rows());
    double best = std::numeric_limits<double>::infinity();
    long long waited = 0, step = 0, epoch = 0;
    for (; epoch < most_epochs_ && waited <= patience_; ++epoch) {
      rng.shuffle(std::span(order));
      double loss = 0;
      for (std::size_t at = 0; at < order.size(); at += batch) {
        throw_if_interrupted();
        const auto rows = std::span<const std::size_t>(order).subspan(at, std::min(batch, order.size() - at));
        loss += train_batch(examples.select_rows(rows), rows, classes, ++step, of_weights, of_bias);
      }
      loss /= static_cast<double>(order.size());
      waited = loss > best - tolerance_ ? waited + 1 : 0;
      best = std::min(best, loss);
    }
    iterations_ = {epoch};
  }

  /// One step of Adam. Returns the summed loss, including the penalty.
  double train_batch(Matrix input, std::span<const std::size_t> rows, std::span<const int> classes, long long step,
                     std::vector<Adam>& of_weights, std::vector<Adam>& of_bias) {
    const auto count = static_cast<float>(rows.size());
    std::vector<Matrix> values = forward(std::move(input));
    Matrix gradient = std::move(values.back());
    double loss = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      float& own = gradient(i, static_cast<std::size_t>(classes[rows[i]]));
      loss -= std::log(std::max(static_cast<double>(own), 1e-10));
      own -= 1;
    }
    for (std::size_t l = layers_.size(); l-- > 0;) {
      Layer& layer = layers_[l];
      Matrix of_layer = layer.weights;  // (alpha W + gradient^T input) / batch size
      multiply(Form::tn, 1 / count, View<const float>(gradient), View<const float>(values[l]), alpha_ / count,
               View<float>(of_layer));
      std::vector<float> of_layer_bias(layer.bias.size());
      for (std::size_t i = 0; i < gradient.rows(); ++i)
        HWY_DYNAMIC_DISPATCH(add_quotients)(gradient.row(i).data(), of_layer_bias.size(), count, of_layer_bias.data());
      loss += 0.5 * static_cast<double>(alpha_) * blas::dot(layer.weights.values(), layer.weights.values());
      if (l > 0) {
        Matrix below(gradient.rows(), layer.weights.cols());
        multiply(Form::nn, 1.0f, View<const float>(gradient), View<const float>(layer.weights), 0.0f,
                 View<float>(below));
        multiply_by_derivative(activation_, values[l].values(), below.values());
        gradient = std::move(below);
      }
      of_weights[l].step(adam_, step, of_layer.values(), layer.weights.values());
      of_bias[l].step(adam_, step, of_layer_bias, layer.bias);
    }
    return loss;
  }

  /// The input and the output of each layer; the last one holds probabilities.
  std::vector<Matrix> forward(Matrix input) const {
    std::vector<Matrix> values;
    values.push_back(std::move(input));
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Layer& layer = layers_[l];
      Matrix next(values.back().rows(), layer.bias.size());
      for (std::size_t i = 0; i < next.rows(); ++i) std::ranges::copy(layer.bias, next.row(i).begin());
      multiply(Form::nt, 1.0f, View<const float>(values.back()), View<const float>(layer.weights), 1.0f,
               View<float>(next));
      if (l + 1 < layers_.size()) {
        activate(activation_, next.values());
      } else {
        softmax_rows(next);
      }
      values.push_back(std::move(next));
    }
    return values;
  }

  Matrix probabilities(const Matrix& examples) const override {
    Matrix result(examples.rows(), static_cast<std::size_t>(class_count()));
    blas::for_blocks(examples.rows(), kPredictBlock, [&](std::size_t first, std::size_t count) {
      std::vector<std::size_t> rows(count);
      for (std::size_t i = 0; i < count; ++i) rows[i] = first + i;
      const Matrix part = forward(examples.select_rows(rows)).back();
      for (std::size_t i = 0; i < count; ++i) std::ranges::copy(part.row(i), result.row(first + i).begin());
    });
    return result;
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      archive.put(prefix + "weights." + std::to_string(l), layers_[l].weights);
      archive.put(prefix + "bias." + std::to_string(l), layers_[l].bias);
    }
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    const auto widths = sizes();
    layers_.clear();
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
      Layer layer{archive.matrix(prefix + "weights." + std::to_string(l), widths[l]),
                  archive.floats(prefix + "bias." + std::to_string(l), widths[l + 1])};
      if (layer.weights.rows() != widths[l + 1]) throw Error("a layer has the wrong size", archive.name());
      layers_.push_back(std::move(layer));
    }
  }

  std::uint64_t seed_;
  std::vector<int> hidden_;
  float alpha_;
  std::size_t batch_;
  AdamConfig adam_;
  long long most_epochs_, patience_;
  double tolerance_;
  Activation activation_;
  std::vector<Layer> layers_;
};

}  // namespace

const ClassifierDescriptor& perceptron() {
  static const ClassifierDescriptor descriptor = {
      .kind = "mlp",
      .title = "Multi-layer perceptron",
      .summary = "dense layers trained by Adam, as scikit-learn's MLPClassifier",
      .parameters = {parameter::integers("hidden_layer_sizes", "100", between(1, 1'000'000),
                                         "units of each hidden layer; several layers as (100,50)")
                         .searched("25,50,100,200", Simpler::smaller),
                     parameter::choice("activation", "relu", {"relu", "tanh", "logistic", "identity"},
                                       "activation of the hidden units"),
                     parameter::number("alpha", "0.0001", at_least(0), "strength of the l2 penalty")
                         .searched("1e-4,1e-2,1", Simpler::larger),
                     parameter::integer("batch_size", "auto", at_least(1),
                                        "examples per step; auto: 200, or all if there are fewer")
                         .or_word({"auto"}),
                     parameter::number("learning_rate_init", "0.001", above(0), "Adam's step size"),
                     parameter::integer("max_iter", "200", at_least(1), "maximum number of epochs"),
                     parameter::number("tol", "1e-4", at_least(0),
                                       "minimum decrease of the loss that counts as improvement"),
                     parameter::integer("n_iter_no_change", "10", at_least(1),
                                        "epochs without improvement before training stops")},
      .searches = {{"study", {"hidden_layer_sizes=5:95:10"}},
                   {"wide", {"hidden_layer_sizes=25,50,100,200", "alpha=1e-4,1e-2,1"}}},
      .make = [](const ParameterValues& given, std::uint64_t seed) {
        return std::make_unique<Perceptron>(given, seed);
      }};
  return descriptor;
}

}  // namespace genrewise
#endif
