#include "genrewise/evaluation/evaluation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kPrintLength = 12;  // of 85,000 rows, two share one by chance once in 80,000 tables

std::set<std::string> prints_of(const Model& model) {
  if (!model.facts.is_object()) return {};
  return model.facts.value("trained_on", std::set<std::string>());
}

void require_same_recipe(const Model& model, const Examples& examples) {
  const FeatureRecipe &learnt = model.recipe, &given = examples.table.recipe;
  if (learnt == given) return;
  throw Error(fmt::format("the model was trained on {} version {} ({:.12}), these features are {} version {} ({:.12})",
                          learnt.name, learnt.version, learnt.hash, given.name, given.version, given.hash),
              examples.name, fmt::format("extract {} with the program that made the model", learnt.name));
}

}  // namespace

std::vector<std::string> row_prints(const Matrix& values, const std::vector<std::size_t>& rows) {
  std::vector<std::string> prints;
  prints.reserve(rows.size());
  for (const std::size_t row : rows) {
    const auto numbers = values.row(row);
    prints.push_back(
        sha256_hex({reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()}).substr(0, kPrintLength));
  }
  return prints;
}

std::vector<std::size_t> unseen_rows(const Model& model, const Examples& examples) {
  std::vector<std::size_t> all(examples.subjects.ids.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const std::set<std::string> learnt = prints_of(model);
  const std::vector<std::string> prints = row_prints(examples.table.values, all);
  std::erase_if(all, [&](std::size_t row) { return learnt.contains(prints[row]); });
  return all;
}

Metrics evaluate(const Model& model, const BlockReader& next, std::span<const std::string> groups, std::uint64_t seed) {
  std::vector<int> truth;
  Predictions all;
  std::vector<float> probabilities;
  LabelledBlock block;
  while (next(block)) {
    const Predictions predicted = model.predict_with_probabilities(block.features);
    truth.insert(truth.end(), block.labels.begin(), block.labels.end());
    all.labels.insert(all.labels.end(), predicted.labels.begin(), predicted.labels.end());
    const auto values = predicted.probabilities.values();
    probabilities.insert(probabilities.end(), values.begin(), values.end());
  }
  all.probabilities = Matrix(truth.size(), model.labels.size(), std::move(probabilities));
  return measure(truth, all, groups, seed);
}

Metrics evaluate(const Model& model, BatchStream& batches, std::uint64_t seed) {
  Batch batch;
  const auto next = [&](LabelledBlock& block) {
    if (!batches.next(batch)) return false;
    block.features = Matrix(batch.size, batch.values);
    std::copy_n(batch.features.begin(), batch.size * batch.values, block.features.data());
    block.labels = batch.labels;
    return true;
  };
  return evaluate(model, next, {}, seed);
}

Evaluation evaluate(const Model& model, const Examples& examples, const std::vector<std::size_t>& rows,
                    std::uint64_t seed) {
  require_same_recipe(model, examples);
  Evaluation evaluation;
  std::vector<std::size_t> judged;
  std::vector<int> truth;
  for (const std::size_t row : rows) {
    const std::string& genre = examples.labels[static_cast<std::size_t>(examples.subjects.labels[row])];
    const auto found = std::ranges::find(model.labels, genre);
    if (found == model.labels.end()) {
      evaluation.skipped.push_back({"genre the model does not know", examples.subjects.ids[row], genre});
      continue;
    }
    judged.push_back(row);
    truth.push_back(static_cast<int>(found - model.labels.begin()));
  }
  if (judged.empty()) {
    throw Error("no example is left to judge the model on", examples.name,
                fmt::format("the model knows the genres {}", fmt::join(model.labels, ", ")));
  }
  const std::set<std::string> learnt = prints_of(model);
  for (const std::string& print : row_prints(examples.table.values, judged))
    evaluation.learnt_from += learnt.contains(print);
  bool read = false;
  const auto next = [&](LabelledBlock& block) {
    if (std::exchange(read, true)) return false;
    block = {examples.table.values.select_rows(judged), truth};
    return true;
  };
  evaluation.metrics = evaluate(model, next, groups_of(examples.subjects, judged), seed);
  return evaluation;
}

}  // namespace genrewise
