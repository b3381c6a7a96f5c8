#include "genrewise/study/learners.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "genrewise/base/error.hpp"

namespace genrewise {
std::vector<ModelSpec> default_models() {
  const GridAxis svm_c{"C", {"0.1", "1", "10"}};
  return {
      {"gnb", "Gaussian naive Bayes", "gnb", {}, {{"var_smoothing", {"1e-9", "1e-3", "1e-1"}}}},
      {"knn", "k nearest neighbours", "knn", {}, {{"n_neighbors", {"1", "5", "11", "21", "31", "51"}}}},
      {"logreg", "Logistic regression", "logreg", {}, {{"C", {"0.001", "0.01", "0.1", "1"}}}},
      {"svm-linear", "SVM, linear kernel", "svm", {{"kernel", "linear"}}, {{"C", {"0.001", "0.01", "0.1", "1"}}}},
      {"svm-poly", "SVM, polynomial kernel", "svm", {{"kernel", "poly"}}, {svm_c}},
      {"svm-rbf", "SVM, RBF kernel", "svm", {{"kernel", "rbf"}}, {svm_c}},
      {"svm-sigmoid", "SVM, sigmoid kernel", "svm", {{"kernel", "sigmoid"}}, {svm_c}},
  };
}

ModelSpec parse_model(std::string_view text) {
  const std::vector<ModelSpec> known = default_models();
  if (const auto found = std::ranges::find(known, text, &ModelSpec::name); found != known.end()) return *found;
  const std::vector<std::string> parts = split_text(text, ':');
  const std::vector<std::string> kinds = classifier_kinds();
  if (std::ranges::find(kinds, parts.front()) == kinds.end()) {
    std::vector<std::string> names;
    for (const ModelSpec& spec : known) names.push_back(spec.name);
    throw UnknownName(fmt::format("there is no model \"{}\"", text), "--models",
                      fmt::format("use {}, or a kind with parameters such as svm:C=10:kernel=poly; kinds are {}",
                                  fmt::join(names, ", "), fmt::join(kinds, ", ")));
  }
  ModelSpec spec{as_file_name(text), std::string(text), parts.front(), {}, {}};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    auto [name, value] = parse_parameter(parts[i]);
    if (auto values = split_text(value, '|'); values.size() > 1) {
      spec.grid.push_back({name, std::move(values)});
    } else {
      spec.parameters[name] = value;
    }
  }
  for (const Parameters& point : grid_points(spec.parameters, spec.grid))
    make_classifier(spec.kind, point, kDefaultSeed);
  return spec;
}

std::string as_file_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    name += plain ? c : '-';
  }
  return name;
}

std::vector<std::string> split_text(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::pair<std::string, std::string> parse_parameter(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw Error(fmt::format("\"{}\" is no parameter", text), {}, "write NAME=VALUE, as in C=10");
  }
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

std::string to_string(const Parameters& parameters) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : parameters) parts.push_back(name + "=" + value);
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace genrewise
