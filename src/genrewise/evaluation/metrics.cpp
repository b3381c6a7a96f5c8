#include "genrewise/evaluation/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr double kSmallestProbability = 0x1p-23;  // float's epsilon, as in scikit-learn for float probabilities
constexpr std::size_t kDeepestTopK = 5;

double ratio(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::vector<GenreScore> genre_scores(const std::vector<std::vector<std::size_t>>& confusion) {
  std::vector<GenreScore> scores(confusion.size());
  for (std::size_t t = 0; t < confusion.size(); ++t) {
    scores[t].hits = confusion[t][t];
    for (std::size_t p = 0; p < confusion.size(); ++p) {
      scores[t].examples += confusion[t][p];
      scores[p].predicted += confusion[t][p];
    }
  }
  for (GenreScore& score : scores) {
    score.precision = ratio(score.hits, score.predicted);
    score.recall = ratio(score.hits, score.examples);
    score.f1 = ratio(2 * score.hits, score.examples + score.predicted);
  }
  return scores;
}

void average_genres(Metrics& metrics) {
  double f1 = 0, recall = 0;
  std::size_t occurring = 0, with_examples = 0;
  for (const GenreScore& score : metrics.genres) {
    f1 += score.f1;
    recall += score.recall;
    occurring += score.examples + score.predicted > 0;
    with_examples += score.examples > 0;
  }
  metrics.macro_f1 = f1 / static_cast<double>(occurring);
  metrics.balanced_accuracy = recall / static_cast<double>(with_examples);
}

/// Number of labels that are more probable than the true one.
std::size_t rank_of(std::span<const float> probabilities, std::size_t truth) {
  std::size_t rank = 0;
  for (std::size_t label = 0; label < probabilities.size(); ++label) {
    rank +=
        probabilities[label] > probabilities[truth] || (probabilities[label] == probabilities[truth] && label < truth);
  }
  return rank;
}

void measure_probabilities(std::span<const int> truth, const Matrix& probabilities, Metrics& metrics) {
  const std::size_t deepest = std::min(kDeepestTopK, probabilities.cols() - 1);
  std::vector<std::size_t> within(deepest + 1);  // within[r]: examples whose truth has rank r
  double loss = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto row = probabilities.row(i);
    const auto label = static_cast<std::size_t>(truth[i]);
    loss -= std::log(std::clamp<double>(row[label], kSmallestProbability, 1 - kSmallestProbability));
    ++within[std::min(rank_of(row, label), deepest)];
  }
  metrics.log_loss = loss / static_cast<double>(truth.size());
  std::size_t hits = 0;
  for (std::size_t k = 0; k < deepest; ++k) metrics.top_k.push_back(wilson_score(hits += within[k], truth.size()));
}

}  // namespace

std::vector<bool> hits_of(std::span<const int> truth, std::span<const int> predicted) {
  std::vector<bool> hits(truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) hits[i] = truth[i] == predicted[i];
  return hits;
}

Metrics measure(std::span<const int> truth, const Predictions& predictions, std::span<const std::string> groups,
                std::uint64_t seed) {
  const std::size_t labels = predictions.probabilities.cols();
  if (truth.empty()) throw Error("there are no examples to evaluate the model on");
  if (predictions.labels.size() != truth.size() || predictions.probabilities.rows() != truth.size() ||
      (!groups.empty() && groups.size() != truth.size())) {
    throw Error("predictions and labels belong to different examples");
  }
  if (!std::ranges::all_of(predictions.probabilities.values(), [](float p) { return std::isfinite(p); })) {
    throw Error("the model's probabilities are not finite numbers: its training diverged");
  }
  Metrics metrics;
  metrics.confusion.assign(labels, std::vector<std::size_t>(labels));
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ++metrics.confusion.at(static_cast<std::size_t>(truth[i])).at(static_cast<std::size_t>(predictions.labels[i]));
  }
  metrics.genres = genre_scores(metrics.confusion);
  average_genres(metrics);
  const std::vector<bool> hits = hits_of(truth, predictions.labels);
  metrics.accuracy = wilson_score(static_cast<std::size_t>(std::ranges::count(hits, true)), hits.size());
  if (!groups.empty()) {
    GroupedEstimate estimate = cluster_bootstrap(hits, groups, seed);
    metrics.over_groups = estimate.interval;
    metrics.over_groups_withheld = std::move(estimate.withheld);
  }
  measure_probabilities(truth, predictions.probabilities, metrics);
  return metrics;
}

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
