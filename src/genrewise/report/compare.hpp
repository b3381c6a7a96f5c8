/// @file
/// Compares the models of several studies.
/// @code
/// const nlohmann::json comparison = compare_runs({"runs/mfcc", "runs/music"}, kDefaultSeed, progress);
/// const std::vector<Section> tables = comparison_sections(comparison);
/// @endcode
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/report/formats.hpp"

namespace genrewise {

/// Compares two or more studies (docs/results_format.md#comparison-of-runs). Models are matched by name. Where runs
/// have the same genres and common test examples (by the ids in predictions.csv, with the same genre), the best models
/// of every two runs and the models of each further run with those of the same name in the first run are tested in
/// pairs: exact McNemar test, Holm's correction over all of these tests, and the interval of the difference over
/// resampled artists. Other differences between the runs are stated in "notes". Throws Error as read_run() does, for a
/// search, for a run that is given twice and for runs without a common genre; Interrupted on Ctrl-C.
nlohmann::json compare_runs(const std::vector<std::filesystem::path>& locations, std::uint64_t seed,
                            Progress& progress);

/// Accuracy of every model in every run with its difference from the first run, and the paired tests (absent if there
/// are none).
std::vector<Section> comparison_sections(const nlohmann::json& comparison);

}  // namespace genrewise
