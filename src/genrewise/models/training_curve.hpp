// How a network was trained, epoch by epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace genrewise {

struct TrainingEpoch {
  std::uint64_t epoch = 0;                                     ///< counted from 1
  double loss = 0, accuracy = 0;                               ///< means over the training examples during the epoch
  std::optional<double> validation_loss, validation_accuracy;  ///< after it; empty without a validation part
  double learning_rate = 0;                                    ///< at its end
};

struct TrainingCurve {
  std::vector<TrainingEpoch> epochs;  ///< empty: no network was trained
  std::uint64_t chosen_epoch = 0;     ///< whose weights the network has
  double learning_rate = 0;           ///< given, or found by the search; before schedule and warm-up
};

/// {"chosen_epoch", "learning_rate", "epochs": [{"epoch", "loss", "accuracy", "validation_loss", "validation_accuracy",
/// "learning_rate"}]}.
nlohmann::json to_json(const TrainingCurve& curve);
/// Throws nlohmann::json::exception for any other document.
TrainingCurve training_curve_from_json(const nlohmann::json& document);

/// At most `most` (3 or more) of its epochs, evenly spaced, among them the first, the chosen and the last one.
TrainingCurve thinned(TrainingCurve curve, std::size_t most);

}  // namespace genrewise
