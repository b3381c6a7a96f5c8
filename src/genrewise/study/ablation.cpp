#include "genrewise/study/ablation.hpp"

#include <algorithm>

#include "genrewise/base/text.hpp"
#include "genrewise/data_source/selection.hpp"

namespace genrewise {
namespace {

/// Combinations of features in FMA's baselines.ipynb, besides the single features.
struct Combination {
  const char* features;
  const char* fma_name;
};

constexpr Combination kFmaCombinations[] = {
    {"mfcc+spectral_contrast", "mfcc/contrast"},
    {"mfcc+spectral_contrast+chroma_cens", "mfcc/contrast/chroma"},
    {"mfcc+spectral_contrast+spectral_centroid", "mfcc/contrast/centroid"},
    {"mfcc+spectral_contrast+chroma_cens+spectral_centroid", "mfcc/contrast/chroma/centroid"},
    {"mfcc+spectral_contrast+chroma_cens+spectral_centroid+tonnetz", "mfcc/contrast/chroma/centroid/tonnetz"},
    {"mfcc+spectral_contrast+chroma_cens+spectral_centroid+zcr", "mfcc/contrast/chroma/centroid/zcr"},
};
constexpr std::size_t kFmaColumns = 518;

/// Name of the row in FMA's table.
std::optional<std::string> fma_name(const std::string& features, std::size_t all_columns) {
  if (all_columns != kFmaColumns) return std::nullopt;
  if (features == "all") return "all_non-echonest";
  for (const Combination& combination : kFmaCombinations) {
    if (features == combination.features) return combination.fma_name;
  }
  return features;
}

bool has_all(const std::vector<std::string>& names, std::string_view combination) {
  return std::ranges::all_of(split_text(combination, '+'),
                             [&](const std::string& name) { return std::ranges::find(names, name) != names.end(); });
}

}  // namespace

std::vector<std::string> ablation_features(const std::vector<FeatureColumn>& columns) {
  const std::vector<std::string> names = feature_names(columns);
  std::vector<std::string> sets = names;
  for (const Combination& combination : kFmaCombinations) {
    if (has_all(names, combination.features)) sets.emplace_back(combination.features);
  }
  std::erase(sets, "all");  // a column of this name cannot be named alone
  sets.emplace_back("all");
  return sets;
}

std::vector<AblationRow> run_ablation(
    const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
    const std::function<StudyStore(const Examples& selected, const std::string& features)>& store_of) {
  std::vector<AblationRow> rows;
  for (const std::string& features : ablation_features(examples.table.columns)) {
    const Examples selected = select_features(examples, features);
    StudyResult result = run_study(selected, split, config, progress, store_of(selected, features));
    for (ModelResult& model : result.models) model.test_probabilities = {};  // of many rows they would take much memory
    rows.push_back({features, fma_name(features, examples.table.columns.size()), selected.table.columns.size(),
                    std::move(result.models)});
  }
  return rows;
}

}  // namespace genrewise
