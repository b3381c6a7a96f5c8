#include "genrewise/study/stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/data_source/selection.hpp"

namespace genrewise {
namespace {

Matrix select(const Matrix& values, std::span<const std::size_t> rows, std::span<const std::size_t> columns) {
  if (columns.size() == values.cols()) return values.select_rows(rows);
  Matrix selected(rows.size(), columns.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) selected(i, j) = values(rows[i], columns[j]);
  }
  return selected;
}

}  // namespace

Stage make_stage(const Examples& examples, std::string_view features, const PreprocessingConfig& config,
                 std::span<const std::size_t> training, std::span<const std::size_t> held_out) {
  const std::vector<std::size_t> columns = columns_of(examples.table.columns, features);
  Stage stage{Preprocessor(config),
              select(examples.table.values, training, columns),
              {},
              labels_of(examples.subjects, training),
              labels_of(examples.subjects, held_out),
              groups_of(examples.subjects, {training.begin(), training.end()})};
  std::vector<double> offsets;
  if (!examples.table.offsets.empty()) {
    for (const std::size_t column : columns) offsets.push_back(examples.table.offsets[column]);
  }
  stage.preprocessor.fit(stage.training, offsets);
  stage.training = stage.preprocessor.transform(std::move(stage.training), offsets);
  stage.held_out = stage.preprocessor.transform(select(examples.table.values, held_out, columns), offsets);
  return stage;
}

TrainingData training_data(const Stage& stage, const Examples& examples) {
  return {stage.training, stage.training_labels, static_cast<int>(examples.labels.size()), stage.training_groups};
}

std::shared_ptr<SharedWork> work_on(const Stage& stage, std::size_t bytes) {
  auto work = std::make_shared<SharedWork>(bytes);
  work->add(stage.training);
  work->add(stage.held_out);
  return work;
}

std::vector<std::size_t> rows_of_fold(std::span<const std::size_t> rows, std::span<const int> folds, int fold,
                                      bool held_out) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if ((folds[i] == fold) == held_out) chosen.push_back(rows[i]);
  return chosen;
}

void require_finite_examples(const Examples& examples) {
  const FeatureTable& table = examples.table;
  const auto values = table.values.values();
  const auto found = std::ranges::find_if_not(values, [](float value) { return std::isfinite(value); });
  if (found == values.end()) return;
  const auto at = static_cast<std::size_t>(found - values.begin());
  const FeatureColumn& column = table.columns[at % table.values.cols()];
  throw Error(fmt::format("a feature is not a finite number: {} {} {} of {}", column.feature, column.statistic,
                          column.number, examples.subjects.ids[at / table.values.cols()]),
              examples.name, "extract the features again, or leave the track out");
}

void require_two_genres(const Examples& examples, std::span<const std::size_t> rows, std::string_view what) {
  const auto label = [&](std::size_t row) { return examples.subjects.labels[row]; };
  if (rows.empty()) throw Error(fmt::format("{} is empty", what), examples.name);
  if (std::ranges::all_of(rows, [&](std::size_t row) { return label(row) == label(rows.front()); })) {
    throw Error(fmt::format("{} contains only one genre (\"{}\")", what,
                            examples.labels[static_cast<std::size_t>(label(rows.front()))]),
                examples.name, "give examples of at least two genres");
  }
}

}  // namespace genrewise
