// The golden figures of tests/golden/cqt (librosa 0.11.0) and their input signals.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "genrewise/base/matrix.hpp"

namespace genrewise::testing {

struct CqtGoldenFrame {
  std::size_t frame = 0;
  std::vector<float> cqt, chroma, cens, tonnetz, chroma_by_12;
};

struct CqtGolden {
  std::string name;
  int sample_rate_hz = 0;
  std::size_t samples = 0;
  double tuning = 0, power_tuning = 0;
  std::size_t frames = 0;
  float largest = 0;
  std::vector<CqtGoldenFrame> rows;
};

std::vector<CqtGolden> read_cqt_golden(const std::filesystem::path& path);

/// The analytic signal of this name, with the formulas of generate.py.
std::vector<float> cqt_signal(const CqtGolden& golden);

/// Uniform in [-1, 1), the same as in generate.py.
std::vector<float> lcg_noise(std::size_t count);

}  // namespace genrewise::testing
