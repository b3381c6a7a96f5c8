#include "genrewise/evaluation/metrics_json.hpp"

namespace genrewise {

using nlohmann::json;

json to_json(const Metrics& metrics, const std::vector<std::string>& labels) {
  json document = {{"accuracy", metrics.accuracy}, {"accuracy_over_groups", nullptr},
                   {"macro_f1", metrics.macro_f1}, {"balanced_accuracy", metrics.balanced_accuracy},
                   {"log_loss", metrics.log_loss}, {"top_k", metrics.top_k},
                   {"genres", metrics.genres},     {"confusion", metrics.confusion}};
  if (metrics.over_groups) {
    document["accuracy_over_groups"] = *metrics.over_groups;
  } else if (!metrics.over_groups_withheld.empty()) {
    document["accuracy_over_groups_withheld"] = metrics.over_groups_withheld;
  }
  for (std::size_t k = 0; k < metrics.top_k.size(); ++k) document["top_k"][k]["k"] = k + 1;
  for (std::size_t i = 0; i < metrics.genres.size(); ++i) document["genres"][i]["genre"] = labels[i];
  return document;
}

Metrics metrics_from_json(const json& document) {
  Metrics metrics;
  document.at("accuracy").get_to(metrics.accuracy);
  if (const json& over = document.at("accuracy_over_groups"); !over.is_null())
    metrics.over_groups = over.get<GroupedInterval>();
  metrics.over_groups_withheld = document.value("accuracy_over_groups_withheld", "");
  document.at("macro_f1").get_to(metrics.macro_f1);
  document.at("balanced_accuracy").get_to(metrics.balanced_accuracy);
  document.at("log_loss").get_to(metrics.log_loss);
  document.at("top_k").get_to(metrics.top_k);
  document.at("genres").get_to(metrics.genres);
  document.at("confusion").get_to(metrics.confusion);
  return metrics;
}

}  // namespace genrewise
