#include "genrewise/evaluation/evaluation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kFingerprintLength = 12;  // chance of a collision among 85,000 rows: 1 in 80,000

/// Nothing if the model does not state them: it was trained on records.
std::optional<std::set<std::string>> training_fingerprints(const Model& model) {
  if (!model.facts.is_object() || !model.facts.contains("trained_on")) return std::nullopt;
  return read_json("facts of the model", "use a model that `genrewise train` or `study` has written",
                   [&] { return model.facts.at("trained_on").get<std::set<std::string>>(); });
}

void require_same_recipe(const Model& model, const Examples& examples) {
  const FeatureRecipe &trained = model.recipe, &given = examples.table.recipe;
  if (trained == given) return;
  throw Error(
      fmt::format("the model was trained on {} version {} ({:.12}), but these features are {} version {} ({:.12})",
                  trained.name, trained.version, trained.hash, given.name, given.version, given.hash),
      examples.name, fmt::format("extract {} with the version of genrewise that trained the model", trained.name));
}

}  // namespace

Examples arrange_columns(const Model& model, Examples examples) {
  FeatureTable& table = examples.table;
  if (model.recipe.name != "table" || table.recipe.name != "table" || table.recipe == model.recipe) return examples;
  std::unordered_map<std::string_view, std::size_t> column_of;
  for (std::size_t j = 0; j < table.columns.size(); ++j) column_of.emplace(table.columns[j].feature, j);
  std::vector<std::size_t> from;
  std::vector<std::string> missing;
  for (const FeatureColumn& column : model.columns) {
    const auto found = column_of.find(column.feature);
    found == column_of.end() ? missing.push_back(column.feature) : from.push_back(found->second);
  }
  if (!missing.empty()) {
    constexpr std::size_t kMostNames = 10;
    const std::size_t named = std::min(missing.size(), kMostNames);
    throw Error(fmt::format("lacks {} of the {} columns that the model was trained on: {}{}", missing.size(),
                            model.columns.size(), fmt::join(missing.begin(), missing.begin() + named, ", "),
                            named < missing.size() ? ", ..." : ""),
                examples.name, "give a table with columns of these names, in any order");
  }
  Matrix values(table.values.rows(), from.size());
  for (std::size_t i = 0; i < values.rows(); ++i) {
    for (std::size_t j = 0; j < from.size(); ++j) values(i, j) = table.values(i, from[j]);
  }
  std::vector<double> offsets;
  if (!table.offsets.empty()) {
    for (const std::size_t j : from) offsets.push_back(table.offsets[j]);
  }
  table = {model.recipe, model.columns, std::move(table.track_ids), std::move(values), std::move(offsets)};
  return examples;
}

std::vector<std::string> row_fingerprints(const FeatureTable& table, const std::vector<std::size_t>& rows) {
  std::vector<std::string> fingerprints;
  fingerprints.reserve(rows.size());
  std::vector<float> numbers(table.values.cols());
  for (const std::size_t row : rows) {
    std::ranges::copy(table.values.row(row), numbers.begin());
    // With the offsets, a row has the same numbers in every table that contains it.
    for (std::size_t j = 0; j < table.offsets.size(); ++j)
      numbers[j] = static_cast<float>(numbers[j] + table.offsets[j]);
    fingerprints.push_back(sha256_hex({reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)})
                               .substr(0, kFingerprintLength));
  }
  return fingerprints;
}

std::vector<std::size_t> unseen_rows(const Model& model, const Examples& examples) {
  std::vector<std::size_t> all(examples.subjects.ids.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto trained_on = training_fingerprints(model);
  if (!trained_on) {
    throw Error("the model does not state which examples it was trained on (it was trained on records)", examples.name,
                "give --part test with the --scheme and --seed of its training, or --part all if it saw none of these");
  }
  const std::vector<std::string> fingerprints = row_fingerprints(examples.table, all);
  std::erase_if(all, [&](std::size_t row) { return trained_on->contains(fingerprints[row]); });
  return all;
}

Metrics evaluate(const Model& model, BatchStream& batches, std::uint64_t seed) {
  std::vector<int> truth;
  Predictions all;
  std::vector<float> probabilities;
  Batch batch;
  while (batches.next(batch)) {
    Matrix features(batch.size, batch.values);
    std::copy_n(batch.features.begin(), batch.size * batch.values, features.data());
    const Predictions predicted = model.predict_with_probabilities(features);
    truth.insert(truth.end(), batch.labels.begin(), batch.labels.end());
    all.labels.insert(all.labels.end(), predicted.labels.begin(), predicted.labels.end());
    const auto values = predicted.probabilities.values();
    probabilities.insert(probabilities.end(), values.begin(), values.end());
  }
  all.probabilities = Matrix(truth.size(), model.labels.size(), std::move(probabilities));
  return measure(truth, all, {}, seed);
}

Evaluation evaluate(const Model& model, const Examples& examples, const std::vector<std::size_t>& rows,
                    std::uint64_t seed) {
  require_same_recipe(model, examples);
  Evaluation evaluation;
  std::vector<std::size_t> evaluated;
  std::vector<int> truth;
  for (const std::size_t row : rows) {
    const std::string& genre = examples.labels[static_cast<std::size_t>(examples.subjects.labels[row])];
    const auto found = std::ranges::find(model.labels, genre);
    if (found == model.labels.end()) {
      evaluation.skipped.push_back({"genre unknown to the model", examples.subjects.ids[row], genre});
      continue;
    }
    evaluated.push_back(row);
    truth.push_back(static_cast<int>(found - model.labels.begin()));
  }
  if (evaluated.empty()) {
    throw Error("no example is left to evaluate the model on", examples.name,
                fmt::format("give examples of the model's genres: {}", fmt::join(model.labels, ", ")));
  }
  if (const auto trained_on = training_fingerprints(model)) {
    const auto fingerprints = row_fingerprints(examples.table, evaluated);
    evaluation.trained_on = 0;
    for (const std::string& fingerprint : fingerprints) *evaluation.trained_on += trained_on->contains(fingerprint);
  }
  const Predictions predicted =
      model.predict_with_probabilities(examples.table.values.select_rows(evaluated), examples.table.offsets);
  evaluation.metrics = measure(truth, predicted, groups_of(examples.subjects, evaluated), seed);
  return evaluation;
}

}  // namespace genrewise
