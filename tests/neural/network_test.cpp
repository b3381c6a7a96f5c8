#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/models/neural/layers/kernels.hpp"
#include "support/environment.hpp"
#include "support/every_target.hpp"
#include "support/test_support.hpp"
#include "trainer_support.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using namespace testing;

std::vector<float> noise(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

/// Convolution, ReLU and pooling by their formulas, and their gradients, in double. Channels last, as the kernels'.
struct Slow {
  std::vector<double> y, of_x, of_w, of_b;
};

Slow slow_layers(const neural::ConvShape& s, const std::vector<float>& x, const std::vector<float>& w,
                 const std::vector<float>& b, const std::vector<float>& of_y) {
  Slow slow{{}, std::vector<double>(x.size()), std::vector<double>(w.size()), std::vector<double>(b.size())};
  const auto for_taps = [&](std::size_t i, std::size_t o, std::size_t t, const auto& body) {
    for (std::size_t c = 0; c < s.in; ++c)
      for (std::size_t k = 0; k < 3; ++k) body((i * s.time + t + k) * s.in + c, (o * s.in + c) * 3 + k);
  };
  const auto conv = [&](std::size_t i, std::size_t o, std::size_t t) {
    double sum = static_cast<double>(b[o]);
    for_taps(i, o, t, [&](std::size_t at_x, std::size_t at_w) {
      sum += static_cast<double>(x[at_x]) * static_cast<double>(w[at_w]);
    });
    return sum;
  };
  for (std::size_t i = 0; i < s.examples; ++i)
    for (std::size_t p = 0; p < s.pooled(); ++p)
      for (std::size_t o = 0; o < s.out; ++o) {
        const double first = conv(i, o, 2 * p), second = conv(i, o, 2 * p + 1);
        slow.y.push_back(std::max(0.0, std::max(first, second)));
        if (slow.y.back() == 0 || of_y.empty()) continue;
        const double gradient = of_y[slow.y.size() - 1];
        slow.of_b[o] += gradient;
        for_taps(i, o, 2 * p + (second > first ? 1 : 0), [&](std::size_t at_x, std::size_t at_w) {
          slow.of_x[at_x] += gradient * w[at_w];
          slow.of_w[at_w] += gradient * x[at_x];
        });
      }
  return slow;
}

struct ConvCase {
  neural::ConvShape shape;
  std::vector<float> x, w, b;
  explicit ConvCase(neural::ConvShape s)
      : shape(s), x(noise(s.examples * s.in * s.time, 1)), w(noise(s.out * s.in * 3, 2)), b(noise(s.out, 3)) {}
};

constexpr double kSumTolerance = 1e-3;  // float sums of up to some thousand products of size 1

class ConvolutionKernel : public ::testing::TestWithParam<neural::ConvShape> {};

TEST_P(ConvolutionKernel, EqualsTheFormula) {
  on_every_target([] {
    const ConvCase c(GetParam());
    std::vector<float> y(c.shape.examples * c.shape.out * c.shape.pooled());
    std::vector<std::uint8_t> chosen(y.size());
    neural::conv3_relu_pool2_forward(c.shape, c.x.data(), c.w.data(), c.b.data(), y.data(), chosen.data());
    const auto expected = slow_layers(c.shape, c.x, c.w, c.b, {}).y;
    ASSERT_EQ(expected.size(), y.size());
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], kSumTolerance) << i;
  });
}

TEST_P(ConvolutionKernel, HasTheGradientsOfTheFormula) {
  on_every_target([] {
    const ConvCase c(GetParam());
    std::vector<float> y(c.shape.examples * c.shape.out * c.shape.pooled());
    std::vector<std::uint8_t> chosen(y.size());
    neural::conv3_relu_pool2_forward(c.shape, c.x.data(), c.w.data(), c.b.data(), y.data(), chosen.data());
    const std::vector<float> of_y = noise(y.size(), 4);
    std::vector<float> of_x(c.x.size()), of_w(c.w.size()), of_b(c.b.size());
    neural::conv3_relu_pool2_backward(c.shape, c.x.data(), c.w.data(), of_y.data(), chosen.data(), of_x.data(),
                                      of_w.data(), of_b.data());
    const Slow slow = slow_layers(c.shape, c.x, c.w, c.b, of_y);
    const auto check = [](const std::vector<float>& found, const std::vector<double>& expected, const char* name) {
      for (std::size_t i = 0; i < found.size(); ++i)
        ASSERT_NEAR(found[i], expected[i], kSumTolerance) << name << " " << i;
    };
    check(of_x, slow.of_x, "input");
    check(of_w, slow.of_w, "weight");
    check(of_b, slow.of_b, "bias");
    // Without the gradient of the input, one input channel has kernels of its own.
    neural::conv3_relu_pool2_backward(c.shape, c.x.data(), c.w.data(), of_y.data(), chosen.data(), nullptr, of_w.data(),
                                      of_b.data());
    check(of_w, slow.of_w, "weight alone");
    check(of_b, slow.of_b, "bias alone");
  });
}

TEST_P(ConvolutionKernel, IsReproducibleForAnyNumberOfThreads) {
  const ConvCase c(GetParam());
  const auto run = [&](int threads) {
    Runtime::current().set_threads(threads);
    std::vector<float> y(c.shape.examples * c.shape.out * c.shape.pooled());
    std::vector<std::uint8_t> chosen(y.size());
    neural::conv3_relu_pool2_forward(c.shape, c.x.data(), c.w.data(), c.b.data(), y.data(), chosen.data());
    std::vector<float> all(c.x.size() + c.w.size() + c.b.size());
    neural::conv3_relu_pool2_backward(c.shape, c.x.data(), c.w.data(), y.data(), chosen.data(), all.data(),
                                      all.data() + c.x.size(), all.data() + c.x.size() + c.w.size());
    all.insert(all.end(), y.begin(), y.end());
    return all;
  };
  const int before = thread_budget();
  const auto one = run(1), three = run(3);
  Runtime::current().set_threads(before);
  EXPECT_EQ(one, three);
}

TEST_P(ConvolutionKernel, HasTheSameResultsAndGradientsWithAnOutputByChannel) {
  const ConvCase c(GetParam());
  neural::ConvShape by_channel = c.shape;
  by_channel.y_by_channel = true;
  const std::size_t pooled = c.shape.pooled(), size = c.shape.out * pooled;
  const auto transposed = [&](const std::vector<float>& rows) {
    std::vector<float> result(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      result[i / size * size + i % c.shape.out * pooled + i % size / c.shape.out] = rows[i];
    return result;
  };
  const auto run = [&](const neural::ConvShape& shape, const std::vector<float>& of_y) {
    std::vector<float> y(of_y.size()), gradients(c.w.size() + c.b.size());
    std::vector<std::uint8_t> chosen(y.size());
    neural::conv3_relu_pool2_forward(shape, c.x.data(), c.w.data(), c.b.data(), y.data(), chosen.data());
    neural::conv3_relu_pool2_backward(shape, c.x.data(), c.w.data(), of_y.data(), chosen.data(), nullptr,
                                      gradients.data(), gradients.data() + c.w.size());
    return std::pair(y, gradients);
  };
  const auto of_y = noise(c.shape.examples * size, 4);
  const auto [y, gradients] = run(c.shape, of_y);
  EXPECT_EQ(run(by_channel, transposed(of_y)), std::pair(transposed(y), gradients));
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConvolutionKernel,
                         ::testing::Values(neural::ConvShape{2, 1, 5, 40}, neural::ConvShape{3, 4, 6, 41},
                                           neural::ConvShape{1, 1, 1, 4}, neural::ConvShape{9, 2, 3, 1201},
                                           neural::ConvShape{2, 1, 150, 60}, neural::ConvShape{2, 35, 70, 120}));

TEST(WideLinear, EqualsTheFormulaAndHasItsGradients) {
  const neural::LinearShape shape{3, 20'000, 2};
  const auto x = noise(shape.examples * shape.inputs, 1), w = noise(shape.outputs * shape.inputs, 2), b = noise(2, 3);
  std::vector<float> y(shape.examples * shape.outputs);
  neural::wide_linear_forward(shape, x.data(), w.data(), b.data(), y.data());
  const auto of_y = noise(y.size(), 4);
  std::vector<float> of_x(x.size()), of_w(w.size()), of_b(b.size());
  neural::wide_linear_backward(shape, x.data(), w.data(), of_y.data(), of_x.data(), of_w.data(), of_b.data());
  constexpr double kTolerance = 0.01;  // float sums of 20,000 products, summed by blocks
  for (std::size_t i = 0; i < shape.examples; ++i)
    for (std::size_t o = 0; o < shape.outputs; ++o) {
      double sum = b[o];
      for (std::size_t j = 0; j < shape.inputs; ++j)
        sum += static_cast<double>(x[i * shape.inputs + j]) * static_cast<double>(w[o * shape.inputs + j]);
      EXPECT_NEAR(y[i * shape.outputs + o], sum, kTolerance);
    }
  for (const std::size_t j : {std::size_t{0}, std::size_t{8191}, std::size_t{8192}, shape.inputs - 1}) {
    EXPECT_NEAR(of_x[shape.inputs + j], of_y[2] * w[j] + of_y[3] * w[shape.inputs + j], 1e-5);
    EXPECT_NEAR(of_w[shape.inputs + j],
                of_y[1] * x[j] + of_y[3] * x[shape.inputs + j] + of_y[5] * x[2 * shape.inputs + j], 1e-4);
  }
  EXPECT_NEAR(of_b[0], of_y[0] + of_y[2] + of_y[4], 1e-5);
}

std::size_t numbers_in(const Classifier& classifier) {
  TensorArchive archive;
  classifier.save(archive, "");
  std::size_t count = 0;
  for (const auto& [name, tensor] : archive.tensors())
    if (tensor.dtype == "F32") count += archive.count(name);
  return count;
}

TEST(StudyNetwork, HasTheStudysNumberOfParameters) {
  constexpr std::size_t kStudy = 16'014'640;
  Examples examples = made_examples(8, 10'000, 8);
  EXPECT_EQ(numbers_in(*fitted("cnn1d", {{"epochs", "1"}, {"batch_size", "4"}}, examples, 8)), kStudy);
}

struct KindCase {
  const char* kind;
  std::size_t cols;
  Parameters parameters;
};
void PrintTo(const KindCase& c, std::ostream* out) {
  *out << c.kind;
}

class EveryNetwork : public ::testing::TestWithParam<KindCase> {};

TEST_P(EveryNetwork, OverfitsOneBatch) {
  const auto& [kind, cols, parameters] = GetParam();
  const Examples examples = made_examples(12, cols, 3);
  Parameters all = parameters;
  all.insert({{"batch_size", "12"}, {"dropout", "0"}, {"learning_rate", "0.01"}, {"schedule", "constant"}});
  EXPECT_EQ(accuracy_of(*fitted(kind, all, examples, 3), examples), 1.0);
}

TEST_P(EveryNetwork, PredictsTheSameAfterSaveAndLoad) {
  const auto& [kind, cols, parameters] = GetParam();
  const Examples examples = made_examples(10, cols, 2);
  Parameters all = parameters;
  all["epochs"] = "2";
  const auto classifier = fitted(kind, all, examples, 2);
  const TensorArchive archive = TensorArchive::parse(state_of(*classifier), "saved");
  const auto other = neural::make_network_classifier(kind, all, 99);
  other->load(archive, "");
  EXPECT_EQ(other->predict_probabilities(examples.values), classifier->predict_probabilities(examples.values));
}

TEST_P(EveryNetwork, PredictsProbabilitiesThatSumToOneAndZeroForALabelWithoutExamples) {
  const auto& [kind, cols, parameters] = GetParam();
  const Examples examples = made_examples(10, cols, 2);
  Parameters all = parameters;
  all["epochs"] = "2";
  const Matrix probabilities = fitted(kind, all, examples, 3)->predict_probabilities(examples.values);
  ASSERT_EQ(probabilities.cols(), 3u);
  for (std::size_t i = 0; i < probabilities.rows(); ++i) {
    EXPECT_NEAR(probabilities(i, 0) + probabilities(i, 1), 1, 1e-5);
    EXPECT_EQ(probabilities(i, 2), 0);
  }
}

TEST_P(EveryNetwork, RefusesExamplesOfAnotherLengthAndValuesThatAreNotFinite) {
  const auto& [kind, cols, parameters] = GetParam();
  Examples examples = made_examples(10, cols, 2);
  Parameters all = parameters;
  all["epochs"] = "1";
  const auto classifier = fitted(kind, all, examples, 2);
  EXPECT_THAT(error_message([&] { classifier->predict_probabilities(Matrix(2, cols + 1)); }),
              HasSubstr("cannot predict from " + std::to_string(cols + 1)));
  examples.values(1, 5) = NAN;
  EXPECT_THAT(error_message([&] { classifier->predict_probabilities(examples.values); }), HasSubstr("row 1, column 5"));
  EXPECT_THAT(error_message([&] { fitted(kind, all, examples, 2); }), HasSubstr("row 1, column 5"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryNetwork,
                         ::testing::Values(KindCase{"cnn1d", 64, {{"epochs", "40"}}},
                                           KindCase{"cnn1d_strided", 1500, {{"epochs", "25"}, {"gain_db", "0"}}},
                                           KindCase{"dense", 30, {{"epochs", "30"}}}),
                         [](const auto& one) { return std::string(one.param.kind); });

TEST(Networks, RefuseInputsThatAreTooShort) {
  EXPECT_THAT(error_message([] { fitted("cnn1d", {}, made_examples(4, 9, 2), 2); }), HasSubstr("at least 10 samples"));
  EXPECT_THAT(error_message([] { fitted("cnn1d_strided", {}, made_examples(4, 1000, 2), 2); }),
              HasSubstr("at least 1024 samples"));
}

TEST(Networks, RefuseTheWeightsOfAnotherNetwork) {
  const Examples examples = made_examples(8, 64, 2);
  const TensorArchive of_dense =
      TensorArchive::parse(state_of(*fitted("dense", {{"epochs", "1"}}, examples, 2)), "dense.gwm");
  const auto other = neural::make_network_classifier("cnn1d", {}, 1);
  EXPECT_THAT(error_message([&] { other->load(of_dense, ""); }),
              AllOf(HasSubstr("dense.gwm"), HasSubstr("conv1.weight"), HasSubstr("another network")));
  const auto wider = neural::make_network_classifier("dense", {{"hidden_layer_sizes", "10"}}, 1);
  EXPECT_THAT(error_message([&] { wider->load(of_dense, ""); }),
              AllOf(HasSubstr("has shape [256, 64], but the network's has [10, 64]")));
}

TEST(Networks, CompareSavedWeightsBeforeTheyTakeMemory) {  // 80 GB by these sizes
  TensorArchive archive;
  fitted("dense", {{"epochs", "1"}}, made_examples(12, 4, 2), 2)->save(archive, "");
  const auto other = neural::make_network_classifier("dense", {{"hidden_layer_sizes", "(200000,100000)"}}, 7);
  EXPECT_THAT(error_message([&] { other->load(archive, ""); }), HasSubstr("but the network's has [200000, 4]"));
}

TEST(Networks, NameTheirParametersWhenOneIsWrong) {
  EXPECT_THAT(error_message([] {
                neural::make_network_classifier("dense", {{"epoch", "3"}}, 1);
              }),
              AllOf(HasSubstr("epoch"), HasSubstr("learning_rate")));
  EXPECT_THAT(error_message([] {
                neural::make_network_classifier("dense", {{"optimiser", "lion"}}, 1);
              }),
              HasSubstr("adam, adamw, sgd"));
  EXPECT_THAT(error_message([] { neural::make_network_classifier("transformer", {}, 1); }), HasSubstr("cnn1d_strided"));
}

TEST(NeuralProgram, StopsWhereAnInterruptionDirectlyFollowsItsRequest) {
  const Environment program("GENREWISE_NEURAL_PROGRAM", (bin_folder() / "genrewise-neural").string());
  Runtime runtime;
  const UseRuntime use(runtime);
  const Parameters parameters = {
      {"epochs", "200"}, {"batch_size", "2"}, {"hidden_layer_sizes", "2"}, {"validation_share", "0.25"}};
  const auto classifier = make_classifier("dense", parameters, 1);
  const Matrix examples(8, 2, noise(16, 1));
  const std::vector<int> labels{0, 1, 0, 1, 0, 1, 0, 1};
  classifier->fit({examples, labels, 2});
  runtime.request_interrupt();
  for (int i = 0; i < 20; ++i) EXPECT_THROW(classifier->fit({examples, labels, 2}), Interrupted);
}

}  // namespace
}  // namespace genrewise
