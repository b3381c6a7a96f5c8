#include "genrewise/study/held_out.hpp"

#include <algorithm>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/evaluation/curves.hpp"
#include "genrewise/study/stage.hpp"

namespace genrewise {

std::vector<int> grouped_folds(const SplitSubjects& subjects, int& count, std::uint64_t seed) {
  for (;; --count) {
    try {
      return make_folds(subjects, SplitScheme::grouped, count, seed);
    } catch (const Error&) {
      if (count == 2) throw;
    }
  }
}

void add_confidence(Model& model, const Examples& examples, const std::vector<std::size_t>& rows,
                    const std::function<std::unique_ptr<Classifier>()>& make, const PreprocessingConfig& preprocessing,
                    std::uint64_t seed, Progress& progress) {
  const FeatureTable& table = examples.table;
  std::size_t units = confidence_folds(rows.size());  // of progress that are left
  int count = static_cast<int>(units);
  std::vector<int> truth;
  Matrix probabilities(rows.size(), examples.labels.size());
  std::vector<double> distances;
  try {
    const std::vector<int> folds =
        grouped_folds(select_subjects(examples.subjects, rows), count, derive_seed(seed, "confidence"));
    std::size_t done = 0;
    for (int fold = 0; fold < count; ++fold) {
      throw_if_interrupted();
      const auto training = rows_of_fold(rows, folds, fold, false);
      const auto held_out = rows_of_fold(rows, folds, fold, true);
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
      --units;
    }
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    model.novelty = {};
    model.facts["confidence"] = {{"absent", error.problem()}};
    return progress.advance(units);
  }
  progress.advance(units);  // of folds that few groups did not allow
  model.novelty.fit(table.values, rows, table.offsets, seed);
  model.novelty.set_limit(std::move(distances));
  add_confidence(model, std::move(probabilities), truth);
}

void add_confidence(Model& model, Matrix held_out, std::span<const int> truth) {
  if (truth.empty()) {
    model.facts["confidence"] = {{"absent", "there is no part that the network was not fitted on"}};
    return;
  }
  model.confidence = fit_confidence(std::move(held_out), truth);
  model.facts["confidence"] = to_json(model.confidence);
}

}  // namespace genrewise
