// Documents of runs: results.json of a study, tuning.json of a search (docs/results_format.md).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/study/ablation.hpp"
#include "genrewise/study/study.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// Where the examples of a study or a search come from, and which command made it: part of its document.
struct StudyContext {
  std::string name;     ///< of the run
  std::string command;  ///< that made it
  std::string created;  ///< ISO 8601, UTC
  std::string dataset_name, dataset_kind, dataset_location;
  std::vector<Fault> skipped;           ///< tracks of the dataset that could not be used
  std::vector<FeatureFacts> features;   ///< the study's own table first; empty: the examples' own, extracted before
  std::optional<ClipFacts> clip_facts;  ///< where they are known
};

/// That of a run which writes to `output`, of this moment; without features and clip facts.
StudyContext context_of(const DataSource& source, const std::string& output, std::string command,
                        std::vector<Fault> skipped);

/// The names that results.json and tuning.json have in common: format, program, run, seed, dataset and features.
nlohmann::json document_head(const char* format, const Examples& examples, std::uint64_t seed,
                             const StudyContext& context);

/// results.json as a whole; models in the order of the configuration.
nlohmann::json results_json(const Examples& examples, const Split& split, const StudyConfig& config,
                            const StudyResult& result, const StudyContext& context);

/// "ablation" of results.json; `labels`: the genres' names.
nlohmann::json ablation_json(const std::vector<AblationRow>& rows, const std::vector<std::string>& labels);

/// tuning.json as a whole. `used` says in words which examples were searched on; `train_command` fits the best point
/// (empty where no command can).
nlohmann::json tuning_json(const Examples& examples, const TuningConfig& config, const TuningResult& result,
                           const StudyContext& context, const std::string& used, const std::string& train_command = {});

/// Reasons of faults with their counts, most frequent first: [{"reason": "empty file", "count": 2}].
nlohmann::json count_by_reason(const std::vector<Fault>& faults);

}  // namespace genrewise
