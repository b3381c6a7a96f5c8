#include "genrewise/models/training_curve.hpp"

#include <gtest/gtest.h>

namespace genrewise {
namespace {

TrainingCurve curve_of(std::size_t epochs, std::uint64_t chosen) {
  TrainingCurve curve{{}, chosen, 0.01};
  for (std::size_t i = 1; i <= epochs; ++i)
    curve.epochs.push_back({i, 2.0 / static_cast<double>(i), 0.5, 1.5, 0.25, 0.01});
  return curve;
}

TEST(TrainingCurve, IsTheSameAfterItsJson) {
  TrainingCurve curve = curve_of(3, 2);
  curve.epochs[0].validation_loss.reset();
  curve.epochs[0].validation_accuracy.reset();
  const auto document = to_json(curve);
  EXPECT_FALSE(document.at("epochs").at(0).contains("validation_loss"));
  EXPECT_EQ(document.at("epochs").at(1).at("validation_loss"), 1.5);
  EXPECT_EQ(document.at("chosen_epoch"), 2);
  EXPECT_EQ(to_json(training_curve_from_json(document)), document);
  EXPECT_THROW(training_curve_from_json({{"epochs", 3}}), nlohmann::json::exception);
}

TEST(TrainingCurve, KeepsTheFirstTheChosenAndTheLastEpochWhenThinned) {
  for (const std::size_t epochs : {61u, 100u, 1000u}) {
    for (const std::uint64_t chosen : {std::uint64_t{1}, std::uint64_t{37}, std::uint64_t{epochs - 1}}) {
      const TrainingCurve thin = thinned(curve_of(epochs, chosen), 60);
      EXPECT_LE(thin.epochs.size(), 60u);
      EXPECT_GE(thin.epochs.size(), 59u);
      EXPECT_EQ(thin.epochs.front().epoch, 1u);
      EXPECT_EQ(thin.epochs.back().epoch, epochs);
      bool found = false;
      for (std::size_t i = 0; i < thin.epochs.size(); ++i) {
        found = found || thin.epochs[i].epoch == chosen;
        if (i > 0) {
          EXPECT_LT(thin.epochs[i - 1].epoch, thin.epochs[i].epoch);
        }
      }
      EXPECT_TRUE(found);
    }
  }
  EXPECT_EQ(thinned(curve_of(60, 3), 60).epochs.size(), 60u);
}

}  // namespace
}  // namespace genrewise
