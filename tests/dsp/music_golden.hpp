// The golden figures of tests/golden/music/music.txt (librosa 0.11.0).
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "support/test_support.hpp"

namespace genrewise::testing {

inline std::vector<float> music_golden(const std::string& name) {
  std::ifstream file(golden_path("music/music.txt"));
  for (std::string line; std::getline(file, line);) {
    std::istringstream in(line);
    std::string first;
    in >> first;
    if (first != name) continue;
    std::vector<float> values;
    for (float value; in >> value;) values.push_back(value);
    return values;
  }
  ADD_FAILURE() << "no golden figures named " << name;
  return {};
}

/// Compares every `step`-th value with the golden figures of this name.
inline void expect_golden(const std::string& name, std::span<const float> values, float tolerance,
                          std::size_t step = 1) {
  const auto expected = music_golden(name);
  ASSERT_EQ(expected.size(), (values.size() + step - 1) / step) << name;
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(values[i * step], expected[i], tolerance) << name << " " << i;
}

}  // namespace genrewise::testing
