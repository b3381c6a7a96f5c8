#include "genrewise/predict/prediction_json.hpp"

#include <algorithm>

namespace genrewise {

using nlohmann::json;

json genres_json(std::span<const float> probabilities, std::span<const std::string> labels, std::size_t top) {
  json list = json::array();
  auto order = ranked(probabilities);
  order.resize(std::min(top, order.size()));
  for (const std::size_t label : order)
    list.push_back({{"genre", labels[label]}, {"confidence", probabilities[label]}});
  return list;
}

json prediction_json(const Prediction& prediction, std::span<const std::string> labels, std::size_t top) {
  json windows = json::array();
  for (const WindowPrediction& window : prediction.windows)
    windows.push_back({{"start_s", window.start_s},
                       {"duration_s", window.duration_s},
                       {"genres", genres_json(window.probabilities, labels, top)}});
  return {{"duration_s", prediction.duration_s},
          {"genres", genres_json(prediction.probabilities, labels, top)},
          {"unknown", prediction.unknown},
          {"novelty", prediction.novelty ? json(*prediction.novelty) : json()},
          {"windows", std::move(windows)}};
}

}  // namespace genrewise
