// The models that a study compares: those that are named, or those of a preset within a time budget.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/jobs/study_job.hpp"
#include "genrewise/study/stages.hpp"
#include "genrewise/study/study_presets.hpp"

namespace genrewise {

/// Expected wall-clock seconds.
struct StudyCost {
  std::map<std::string, double> features_s;  ///< extraction by feature set, without shared_s; "": the study's own
  std::map<std::string, double> models_s;    ///< search, fit and predictions by model name, once
  /// Why no measured clip can be used, by feature set: "too short". Such a set has no cost.
  std::map<std::string, std::string> unusable;
  double shared_s = 0;  ///< decoding, and what else all sets that are extracted together share

  /// Expected time to extract these sets in one pass.
  double extraction_s(const std::vector<std::string>& sets) const;
};

/// Measures the extraction of a few clips per feature set (0 s if its table exists) and of all together, and fits of
/// every model to a few made-up examples with the same columns and labels, and scales both to the data. Iterations of
/// networks count in full, so a fit that stops early takes less. A model that cannot be fitted has the cost 0. Throws
/// Error as make_feature_set() does; Interrupted.
StudyCost estimate_cost(const DataSource& source, const StudyConfig& study, const FeaturesPath& path_of,
                        Progress& progress);

struct StudyPlan {
  StudyConfig study;
  std::string preset;  ///< empty: the models were named
  std::vector<LeftOut> left_out;
  std::vector<std::string> notes;
  StudyCost cost;  ///< empty if the models were named
};

/// The models that are named, or all of the preset that can run here.
StudyPlan plan_study(const StudyJobConfig& config, const DataSource& source);

/// Estimates the time of a preset's models, reports it as a note and removes models until the rest is within the budget
/// (if there is one): the most expensive model or feature set first, at least one model stays. "plan.json" in the run
/// folder keeps the choice, so that an interrupted run continues with the same models.
void keep_within_budget(StudyPlan& plan, const StudyJobConfig& config, const DataSource& source,
                        const std::filesystem::path& folder, const FeaturesPath& path_of, Progress& progress);

/// Leaves the preset's models of these feature sets out, for that reason; at least one model stays.
void leave_out(StudyPlan& plan, const std::string& set, const std::string& reason);

/// The budget in seconds; infinite if there is none.
double budget_s(const StudyJobConfig& config);

/// "preset" and "left_out" of results.json.
nlohmann::json plan_json(const StudyPlan& plan);

}  // namespace genrewise
