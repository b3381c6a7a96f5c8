// A study as JSON: what results.json holds (docs/results_format.md) and what a run keeps of each finished model.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {

/// One table that models learnt from.
struct FeatureFacts {
  FeatureRecipe recipe;
  std::size_t columns = 0;
  double extract_s = 0;  ///< 0: the features were there
};

/// Lengths of the clips, in seconds.
struct ClipFacts {
  double least_s = 0, median_s = 0, most_s = 0, total_s = 0;
};

/// What surrounds a study or a search and is told in its results.
struct StudyContext {
  std::string name;     ///< of the run
  std::string command;  ///< that made it
  std::string created;  ///< ISO 8601, UTC
  std::string dataset_name, dataset_kind, dataset_place;
  std::vector<Fault> skipped;           ///< tracks of the dataset that could not be used
  std::vector<FeatureFacts> features;   ///< the study's own table first; empty: the examples' own, extracted before
  std::optional<ClipFacts> clip_facts;  ///< where they are known
};

/// The names that results.json and tuning.json have in common: format, program, run, seed, dataset and features.
nlohmann::json document_head(const char* format, const Examples& examples, std::uint64_t seed,
                             const StudyContext& context);

/// results.json as a whole; models in the order of the configuration.
nlohmann::json results_json(const Examples& examples, const Split& split, const StudyConfig& config,
                            const StudyResult& result, const StudyContext& context);

nlohmann::json to_json(const ModelSpec& spec);
nlohmann::json to_json(const Score& score);
nlohmann::json to_json(const Metrics& metrics, const std::vector<std::string>& labels);
nlohmann::json to_json(const ModelResult& result, const std::vector<std::string>& labels);
/// Takes to_json()'s document back. Throws nlohmann::json::exception on any other.
ModelResult model_result_from_json(const nlohmann::json& document);

/// Reasons of faults with their counts, most frequent first: [{"reason": "empty file", "count": 2}].
nlohmann::json count_by_reason(const std::vector<Fault>& faults);

/// Sentences for a person who is about to believe the scores: few artists, wide intervals, leakage, absent genres.
std::vector<std::string> honest_notes(const Examples& examples, const Split& split, const StudyResult& result);

}  // namespace genrewise
