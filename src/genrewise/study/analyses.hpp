// Analyses of the test predictions of a study, as members of results.json (docs/results_format.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/study/study.hpp"

namespace genrewise {

/// The models without an error, in their order.
std::vector<const ModelResult*> fitted_models(const std::vector<ModelResult>& models);

/// The test part of a study; entry i of each list describes test example i. Must not outlive the examples.
class TestPart {
 public:
  /// `dataset_kind` and `location`: of DataSource.
  TestPart(const Examples& examples, const Split& split, std::string dataset_kind, std::filesystem::path location = {});

  const Examples& examples() const { return *examples_; }
  const std::vector<std::size_t>& rows() const { return rows_; }
  const std::vector<int>& truth() const { return truth_; }
  const std::vector<std::string>& groups() const { return groups_; }  ///< see groups_of()
  std::vector<bool> hits(const ModelResult& model) const;
  const std::string& id(std::size_t i) const { return examples_->subjects.ids[rows_[i]]; }
  const std::string& artist(std::size_t i) const { return examples_->subjects.artists[rows_[i]]; }
  const std::string& genre(std::size_t i) const { return examples_->labels[static_cast<std::size_t>(truth_[i])]; }
  /// Location of the audio file, absolute where it is a local path; empty if none is known. Packs state none; rows of a
  /// table name files relative to its folder, which count where they exist.
  std::string file(std::size_t i) const;
  /// {"id", "file", "artist", "genre"}.
  nlohmann::json clip(std::size_t i) const;

 private:
  const Examples* examples_;
  std::string dataset_kind_;
  std::filesystem::path location_;
  std::vector<std::size_t> rows_;
  std::vector<int> truth_;
  std::vector<std::string> groups_;
};

/// Members of one fitted model: calibration, coverage, macro_auc, curves, artists (if any is known),
/// confident_mistakes.
nlohmann::json analyses_json(const ModelResult& model, const TestPart& test);

/// {"same_parent", "other_parent"}: counts of the mistakes by whether both genres have the same parent in `tree`
/// (genre_tree()), which must contain every label.
nlohmann::json tree_confusion_json(const Metrics& metrics, const std::vector<std::string>& labels,
                                   const std::map<std::string, std::string>& tree);

/// "pairs": every two fitted models; "always_wrong": clips that all of them predict incorrectly. Absent with fewer than
/// two fitted models.
nlohmann::json comparisons_json(const std::vector<ModelResult>& models, const TestPart& test, std::uint64_t seed);

/// Published figures of the dataset of results.json, if it is FMA small or GTZAN (recognised by kind, genres and size):
/// [{"dataset", "protocol", "method", "accuracy", "source", "this_protocol"}]; this_protocol: whether the study's split
/// is the one that the figure was measured on. Else an empty array. `document` has "dataset", "split" and "labels".
nlohmann::json published_json(const nlohmann::json& document);

}  // namespace genrewise
