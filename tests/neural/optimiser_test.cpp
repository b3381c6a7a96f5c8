#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "genrewise/models/neural/training/optimiser.hpp"
#include "genrewise/models/neural/training/trainer.hpp"

namespace genrewise::neural {
namespace {

/// Three weights, of a body and a head, with and without decay.
class Weights final : public Network {
 public:
  Weights() : Network({1, 1}) {
    at::manual_seed(1);
    for (const auto& [name, decays, body] :
         {std::tuple{"head.weight", true, false}, {"head.bias", false, false}, {"body.weight", true, true}}) {
      at::Tensor value = at::randn({7, 5}, at::kFloat);
      value.set_requires_grad(true);
      weights().push_back({name, value, true, decays, body});
    }
  }
  at::Tensor forward(const at::Tensor& examples, const Pass&) const override { return examples; }
};

class OptimiserSteps : public ::testing::TestWithParam<OptimiserKind> {};

TEST_P(OptimiserSteps, AreTheSameInOwnLoopsAndLibtorchsForeachOperations) {
  TrainerConfig config;
  config.optimiser = GetParam();
  config.weight_decay = 0.1;
  Weights by_loops, by_lists;
  Optimiser loops(config, by_loops), lists(config, by_lists, false);
  for (int step = 0; step < 5; ++step) {
    for (std::size_t i = 0; i < 3; ++i) {
      const bool frozen = i == 2 && step < 2;  // it has fewer steps than the others
      const at::Tensor gradient = at::randn({7, 5}, at::kFloat);
      for (Weights* network : {&by_loops, &by_lists})
        network->weights()[i].value.mutable_grad() = frozen ? at::Tensor() : gradient.clone();
    }
    EXPECT_NEAR(loops.gradient_norm(), lists.gradient_norm(), 1e-6);
    loops.step(0.01, 0.5);
    lists.step(0.01, 0.5);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const at::Tensor one = by_loops.weights()[i].value, other = by_lists.weights()[i].value;
    EXPECT_LT((one - other).abs().max().item<float>(), 1e-6F) << by_loops.weights()[i].name;
    EXPECT_GT((one - Weights().weights()[i].value).abs().max().item<float>(), 1e-3F);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, OptimiserSteps,
                         ::testing::Values(OptimiserKind::adam, OptimiserKind::adamw, OptimiserKind::sgd));

TEST(LearningRateSearch, TakesTheSteepestFallBeforeTheFirstRise) {
  std::vector<RatePoint> points;
  const auto add = [&](int steps, double each) {
    for (int i = 0; i < steps; ++i) {
      const double rate = points.empty() ? 1e-6 : points.back().rate * 1.3;
      points.push_back({rate, (points.empty() ? 2.1 : points.back().loss) + each});
    }
  };
  add(10, 0);
  add(10, -0.05);
  const double good = points.back().rate;
  add(5, 0);
  add(6, 0.3);   // too high a rate
  add(6, -0.3);  // and a recovery that is faster than any fall before
  const double rate = suggested_rate(points);
  EXPECT_GT(rate, good / 20);
  EXPECT_LT(rate, good * 3);
}

}  // namespace
}  // namespace genrewise::neural
