// Builds the documents of runs: results.json of a study, tuning.json of a search (docs/results_format.md).
#pragma once

#include <map>
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

/// Source of the examples and command of a study or search, for its document.
struct StudyContext {
  std::string name;     ///< name of the run
  std::string command;  ///< command line of the run
  std::string created;  ///< time of creation, ISO 8601, UTC
  std::string dataset_name, dataset_kind, dataset_location;
  std::vector<Fault> skipped;  ///< tracks of the dataset that cannot be used
  std::vector<FeatureFacts>
      features;  ///< the study's own table first; empty: the examples' own table, extracted before
  std::optional<ClipFacts> clip_facts;                 ///< if known
  std::map<std::string, std::string> genre_tree = {};  ///< see genre_tree(); empty if the dataset states none
};

/// Context of a run that writes to `output`, with the current time; without features and clip facts.
StudyContext context_of(const DataSource& source, const std::string& output, std::string command,
                        std::vector<Fault> skipped);

/// Keys that results.json and tuning.json share: format, program, run, seed, dataset and features.
nlohmann::json document_head(const char* format, const Examples& examples, std::uint64_t seed,
                             const StudyContext& context);

/// Document of results.json; models in the order of the configuration.
nlohmann::json results_json(const Examples& examples, const Split& split, const StudyConfig& config,
                            const StudyResult& result, const StudyContext& context);

/// "ablation" of results.json; `labels`: genre names.
nlohmann::json ablation_json(const std::vector<AblationRow>& rows, const std::vector<std::string>& labels);

/// Document of tuning.json. `used` describes the searched examples; `train_command` fits the best point (empty if no
/// command can).
nlohmann::json tuning_json(const Examples& examples, const TuningConfig& config, const TuningResult& result,
                           const StudyContext& context, const std::string& used, const std::string& train_command = {});

/// Number of faults per reason, most frequent first: [{"reason": "empty file", "count": 2}].
nlohmann::json count_by_reason(const std::vector<Fault>& faults);

}  // namespace genrewise
