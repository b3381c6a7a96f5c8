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

/// A model as a person writes it: the name of one of the default list ("svm-rbf"), or a kind of classifier with
/// parameters ("svm:C=10:kernel=poly"; a value may be several, parted by "|", which validation then chooses from:
/// "knn:n_neighbors=5|11|21"). Throws Error for anything else, naming what there is.
ModelSpec parse_model(std::string_view text);

/// "C=10" -> {"C", "10"}. Throws Error for a text without "=".
std::pair<std::string, std::string> parse_parameter(std::string_view text);

/// Letters, digits, dots and hyphens of a text, hyphens for all else.
std::string as_file_name(std::string_view text);

/// "a:b" -> {"a", "b"}; an empty text is one empty part.
std::vector<std::string> split_text(std::string_view text, char separator);

/// "C=10, kernel=poly".
std::string to_string(const Parameters& parameters);

}  // namespace genrewise
