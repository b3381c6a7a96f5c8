#include "genrewise/evaluation/metrics_json.hpp"

namespace genrewise {

using nlohmann::json;

json to_json(const Score& score) {
  return {{"value", score.value}, {"low", score.low}, {"high", score.high}, {"n", score.n}};
}

Score score_from_json(const json& document) {
  return {document.at("value"), document.at("low"), document.at("high"), document.at("n")};
}

json to_json(const Metrics& metrics, const std::vector<std::string>& labels) {
  json document = {{"accuracy", to_json(metrics.accuracy)},
                   {"accuracy_over_groups", nullptr},
                   {"macro_f1", metrics.macro_f1},
                   {"balanced_accuracy", metrics.balanced_accuracy},
                   {"log_loss", metrics.log_loss},
                   {"top_k", json::array()},
                   {"genres", json::array()},
                   {"confusion", metrics.confusion}};
  if (const auto& over = metrics.over_groups) {
    document["accuracy_over_groups"] = {{"low", over->low}, {"high", over->high}, {"groups", over->groups}};
  } else if (!metrics.over_groups_withheld.empty()) {
    document["accuracy_over_groups_withheld"] = metrics.over_groups_withheld;
  }
  for (std::size_t k = 0; k < metrics.top_k.size(); ++k) {
    document["top_k"].push_back(to_json(metrics.top_k[k]));
    document["top_k"].back()["k"] = k + 1;
  }
  for (std::size_t i = 0; i < metrics.genres.size(); ++i) {
    const GenreScore& genre = metrics.genres[i];
    document["genres"].push_back({{"genre", labels[i]},
                                  {"examples", genre.examples},
                                  {"predicted", genre.predicted},
                                  {"hits", genre.hits},
                                  {"precision", genre.precision},
                                  {"recall", genre.recall},
                                  {"f1", genre.f1}});
  }
  return document;
}

Metrics metrics_from_json(const json& document) {
  Metrics metrics;
  metrics.accuracy = score_from_json(document.at("accuracy"));
  if (const json& over = document.at("accuracy_over_groups"); !over.is_null()) {
    metrics.over_groups = GroupedInterval{over.at("low"), over.at("high"), over.at("groups")};
  }
  metrics.over_groups_withheld = document.value("accuracy_over_groups_withheld", "");
  metrics.macro_f1 = document.at("macro_f1");
  metrics.balanced_accuracy = document.at("balanced_accuracy");
  metrics.log_loss = document.at("log_loss");
  for (const json& score : document.at("top_k")) metrics.top_k.push_back(score_from_json(score));
  for (const json& genre : document.at("genres")) {
    metrics.genres.push_back({genre.at("examples"), genre.at("predicted"), genre.at("hits"), genre.at("precision"),
                              genre.at("recall"), genre.at("f1")});
  }
  metrics.confusion = document.at("confusion");
  return metrics;
}

}  // namespace genrewise
