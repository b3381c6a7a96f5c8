#include "genrewise/study/held_out.hpp"

#include <algorithm>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/evaluation/curves.hpp"
#include "genrewise/study/stage.hpp"

namespace genrewise {
namespace {

constexpr double kNoveltyQuantile = 0.99;

/// The rows whose fold is `fold`, or the others.
std::vector<std::size_t> rows_of(const std::vector<std::size_t>& rows, const std::vector<int>& folds, int fold,
                                 bool inside) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if ((folds[i] == fold) == inside) chosen.push_back(rows[i]);
  return chosen;
}

void set_confidence(Model& model, Matrix shares, std::span<const int> truth, const char* source) {
  std::vector<std::size_t> present;  // the others have probability 0 in every row
  for (std::size_t label = 0; label < shares.cols(); ++label) {
    bool any = std::ranges::find(truth, static_cast<int>(label)) != truth.end();
    for (std::size_t i = 0; i < shares.rows() && !any; ++i) any = shares(i, label) > 0;
    if (any) present.push_back(label);
  }
  model.confidence = fit_confidence(std::move(shares), truth, std::move(present));
  model.facts["confidence"] = to_json(model.confidence);
  model.facts["confidence"]["source"] = source;
}

}  // namespace

int confidence_folds(std::size_t examples) {
  return examples < 300 ? 5 : 2;
}

void add_confidence(Model& model, const Examples& examples, const std::vector<std::size_t>& rows,
                    const std::function<std::unique_ptr<Classifier>()>& make, const PreprocessingConfig& preprocessing,
                    std::uint64_t seed, Progress& progress) {
  const FeatureTable& table = examples.table;
  const int count = confidence_folds(rows.size());
  std::vector<int> truth;
  Matrix probabilities(rows.size(), examples.labels.size());
  std::vector<double> distances;
  try {
    const std::vector<int> folds = make_folds(select_subjects(examples.subjects, rows), SplitScheme::grouped, count,
                                              derive_seed(seed, "confidence"));
    std::size_t done = 0;
    for (int fold = 0; fold < count; ++fold) {
      throw_if_interrupted();
      const auto training = rows_of(rows, folds, fold, false), held_out = rows_of(rows, folds, fold, true);
      const Stage stage = make_stage(examples, "all", preprocessing, training, held_out);
      const auto classifier = make();
      classifier->fit(training_data(stage, examples), {.labels = examples.labels});
      const Matrix shares = classifier->predict_probabilities(stage.held_out);
      std::ranges::copy(shares.values(), probabilities.row(done).begin());
      done += held_out.size();
      truth.insert(truth.end(), stage.held_out_labels.begin(), stage.held_out_labels.end());
      model.novelty.fit(table.values, training, table.offsets, seed);
      const auto of_fold = model.novelty.distances(table.values.select_rows(held_out), table.offsets);
      distances.insert(distances.end(), of_fold.begin(), of_fold.end());
      progress.advance();
    }
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    model.novelty = {};
    model.facts["confidence"] = {{"absent", error.problem()}};
    return;
  }
  model.novelty.fit(table.values, rows, table.offsets, seed);
  model.novelty.set_limit(std::move(distances), kNoveltyQuantile);
  set_confidence(model, std::move(probabilities), truth, "folds");
}

void add_confidence(Model& model, Matrix held_out, std::span<const int> truth) {
  if (truth.empty()) {
    model.facts["confidence"] = {{"absent", "there is no part that the network was not fitted on"}};
  } else {
    set_confidence(model, std::move(held_out), truth, "validation");
  }
}

}  // namespace genrewise
