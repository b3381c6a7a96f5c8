#include "genrewise/study/ablation.hpp"

#include <algorithm>

#include "genrewise/study/learners.hpp"
#include "genrewise/study/results.hpp"
#include "genrewise/study/selection.hpp"

namespace genrewise {
namespace {

constexpr const char* kFmaCombinations[] = {
    "mfcc+spectral_contrast",
    "mfcc+spectral_contrast+chroma_cens",
    "mfcc+spectral_contrast+spectral_centroid",
    "mfcc+spectral_contrast+chroma_cens+spectral_centroid",
    "mfcc+spectral_contrast+chroma_cens+spectral_centroid+tonnetz",
    "mfcc+spectral_contrast+chroma_cens+spectral_centroid+zcr",
};

bool has_all(const std::vector<std::string>& names, std::string_view combination) {
  return std::ranges::all_of(split_text(combination, '+'),
                             [&](const std::string& name) { return std::ranges::find(names, name) != names.end(); });
}

}  // namespace

std::vector<std::string> ablation_features(const std::vector<FeatureColumn>& columns) {
  const std::vector<std::string> names = feature_names(columns);
  std::vector<std::string> sets = names;
  for (const char* combination : kFmaCombinations) {
    if (has_all(names, combination)) sets.emplace_back(combination);
  }
  sets.emplace_back("all");
  return sets;
}

nlohmann::json run_ablation(
    const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
    const std::function<StudyStore(const Examples& selected, const std::string& features)>& store_of) {
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& features : ablation_features(examples.table.columns)) {
    const Examples selected = select_features(examples, features);
    const StudyResult result = run_study(selected, split, config, progress, store_of(selected, features));
    nlohmann::json models = nlohmann::json::array();
    for (const ModelResult& model : result.models) {
      models.push_back(to_json(model, examples.labels));
      for (const char* detail : {"genres", "confusion", "test_labels", "top_k"}) models.back().erase(detail);
      if (model.error.empty()) models.back()["validation"].erase("tried");
    }
    rows.push_back({{"features", features}, {"columns", selected.table.columns.size()}, {"models", std::move(models)}});
  }
  return rows;
}

}  // namespace genrewise
