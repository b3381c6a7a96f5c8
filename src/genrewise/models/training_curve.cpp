#include "genrewise/models/training_curve.hpp"

namespace genrewise {

using nlohmann::json;

json to_json(const TrainingCurve& curve) {
  json epochs = json::array();
  for (const TrainingEpoch& epoch : curve.epochs) {
    epochs.push_back({{"epoch", epoch.epoch},
                      {"loss", epoch.loss},
                      {"accuracy", epoch.accuracy},
                      {"learning_rate", epoch.learning_rate}});
    if (epoch.validation_loss) epochs.back()["validation_loss"] = *epoch.validation_loss;
    if (epoch.validation_accuracy) epochs.back()["validation_accuracy"] = *epoch.validation_accuracy;
  }
  return {{"chosen_epoch", curve.chosen_epoch}, {"learning_rate", curve.learning_rate}, {"epochs", std::move(epochs)}};
}

TrainingCurve training_curve_from_json(const json& document) {
  TrainingCurve curve;
  curve.chosen_epoch = document.at("chosen_epoch");
  curve.learning_rate = document.at("learning_rate");
  for (const json& one : document.at("epochs")) {
    TrainingEpoch& epoch = curve.epochs.emplace_back();
    epoch.epoch = one.at("epoch");
    epoch.loss = one.at("loss");
    epoch.accuracy = one.at("accuracy");
    epoch.learning_rate = one.at("learning_rate");
    if (one.contains("validation_loss")) epoch.validation_loss = one.at("validation_loss").get<double>();
    if (one.contains("validation_accuracy")) epoch.validation_accuracy = one.at("validation_accuracy").get<double>();
  }
  return curve;
}

TrainingCurve thinned(TrainingCurve curve, std::size_t most) {
  const std::size_t count = curve.epochs.size();
  if (count <= most) return curve;
  std::vector<TrainingEpoch> kept;
  std::size_t next = 0;  // of most - 1 evenly spaced ones
  for (std::size_t i = 0; i < count; ++i) {
    const bool due = i == next * (count - 1) / (most - 2);
    if (due) ++next;
    if (due || curve.epochs[i].epoch == curve.chosen_epoch) kept.push_back(curve.epochs[i]);
  }
  curve.epochs = std::move(kept);
  return curve;
}

}  // namespace genrewise
