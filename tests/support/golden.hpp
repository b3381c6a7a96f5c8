// Golden figures of tests: JSON documents in tests/golden.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/base/matrix.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {

inline nlohmann::json read_golden(const std::string& name) {
  std::ifstream file(golden_path(name));
  return nlohmann::json::parse(file);
}

inline Matrix matrix_of(const nlohmann::json& rows) {
  Matrix matrix(rows.size(), rows.at(0).size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < matrix.cols(); ++j) matrix(i, j) = rows[i][j].get<float>();
  return matrix;
}

}  // namespace genrewise::testing
