// The models that a study compares: those that are named, or those of a preset within a time budget.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/jobs/study_cost.hpp"
#include "genrewise/jobs/study_job.hpp"
#include "genrewise/study/stages.hpp"
#include "genrewise/study/study_presets.hpp"

namespace genrewise {

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
