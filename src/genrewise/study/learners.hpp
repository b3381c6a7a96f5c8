// The learners that a study compares, by name.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "genrewise/study/study.hpp"

namespace genrewise {

/// The default list of a study: gnb, knn, logreg, svm-linear, svm-poly, svm-rbf, svm-sigmoid, with the small grids that
/// the validation part chooses from (docs/results_format.md lists them).
std::vector<ModelSpec> default_models();

/// The classifiers of the FMA dataset's published baselines (Defferrard et al. 2017, baselines.ipynb) that there are
/// here, with their parameters and nothing to choose: fma-LR, fma-kNN, fma-SVCrbf, fma-SVCpoly1, fma-linSVC1,
/// fma-linSVC2, fma-RF, fma-MLP1, fma-MLP2, fma-NB, fma-QDA.
std::vector<ModelSpec> fma_baseline_models();

/// A model as a person writes it: [FEATURES/]MODEL[:PARAMETER=VALUE...]. MODEL is the name of one of the lists above
/// ("svm-rbf") or a kind of classifier ("svm:C=10:kernel=poly"); a value may be several, parted by "|", which
/// validation then chooses from ("knn:n_neighbors=5|11|21"), and may be one that prepares the features
/// ("svm:pca_components=50|100"). FEATURES is the name of the table that it learns from ("audiotag/svm-rbf"); whether
/// there is one of that name is not looked at here. Throws Error for anything else, naming what there is.
ModelSpec parse_model(std::string_view text);
/// All of a list; "fma-baselines" stands for fma_baseline_models(). Equal ones are taken once. Throws Error for two
/// that would have the same name.
std::vector<ModelSpec> parse_models(const std::vector<std::string>& texts);

/// "C=10" -> {"C", "10"}. Throws Error for a text without "=".
std::pair<std::string, std::string> parse_parameter(std::string_view text);

/// Letters, digits, dots and hyphens of a text, hyphens for all else.
std::string as_file_name(std::string_view text);

/// "a:b" -> {"a", "b"}; an empty text is one empty part.
std::vector<std::string> split_text(std::string_view text, char separator);

}  // namespace genrewise
