// Metrics of predictions on labelled examples.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/evaluation/statistics.hpp"
#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// One genre against all others. A share whose denominator is 0 is 0 (scikit-learn's zero_division=0).
struct GenreScore {
  std::size_t examples = 0, predicted = 0, hits = 0;
  double precision = 0, recall = 0, f1 = 0;
};

struct Metrics {
  Score accuracy;                              ///< of the predicted labels, with Wilson's interval
  std::optional<GroupedInterval> over_groups;  ///< interval of the accuracy over artists (cluster bootstrap)
  std::string over_groups_withheld;            ///< why it is absent; empty if no groups are given
  double macro_f1 = 0;                         ///< mean F1 over the genres that occur in labels or predictions
  double balanced_accuracy = 0;                ///< mean recall over the genres that occur in the labels
  double log_loss = 0;                         ///< natural log; probabilities clipped to [eps, 1 - eps], eps = 2^-23
  std::vector<Score> top_k;  ///< entry k-1: the true label is among the k most probable; k = 1 .. min(5, labels - 1)
  std::vector<GenreScore> genres;
  std::vector<std::vector<std::size_t>> confusion;  ///< [truth][prediction], counts
};

/// Computes all metrics, as scikit-learn does (accuracy_score, f1_score, balanced_accuracy_score, log_loss,
/// top_k_accuracy_score, confusion_matrix). truth[i] in [0, label_count) for every example; groups as in
/// cluster_bootstrap(), or empty. Among equal probabilities the lower label ranks first. Throws Error if the sizes
/// differ, there are no examples or a probability is not finite.
Metrics measure(std::span<const int> truth, const Predictions& predictions, std::span<const std::string> groups,
                std::uint64_t seed);

/// Whether each prediction is correct.
std::vector<bool> hits_of(std::span<const int> truth, std::span<const int> predicted);

// As in results.json and `--json` (docs/results_format.md).

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Score, value, low, high, n)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GroupedInterval, low, high, groups)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GenreScore, examples, predicted, hits, precision, recall, f1)

/// `labels`: genre names, in the order of the genres of the metrics.
nlohmann::json to_json(const Metrics& metrics, const std::vector<std::string>& labels);
/// Throws nlohmann::json::exception for any other document.
Metrics metrics_from_json(const nlohmann::json& document);

}  // namespace genrewise
