// Helpers for tests of audio.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "genrewise/audio/decode.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {

inline Expected<Waveform> decode_text(const std::string& bytes, const DecodeOptions& options = {},
                                      const std::string& name = "test") {
  return decode_bytes(std::as_bytes(std::span(bytes)), name, options);
}

/// The reason of a fault; "none" for a waveform.
inline std::string reason_of(const Expected<Waveform>& wave) {
  return wave ? "none" : wave.error().reason;
}

inline std::filesystem::path golden_audio(const std::string& name) {
  return golden_path("audio/" + name);
}
inline std::string golden_bytes(const std::string& name) {
  return read_file(golden_audio(name));
}

inline std::string file_of(const char* file) {
  return file;
}
template <class Case>
std::string file_of(const Case& one) {
  return one.file;
}

/// Tests with a golden file each, which is the parameter or its member `file`. Those that this build has no decoder for
/// are skipped.
template <class Case>
class WithGoldenFile : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto wave = decode_file(golden_audio(file_of(this->GetParam())));
    if (!wave && wave.error().reason == "no decoder in this build") GTEST_SKIP() << to_string(wave.error());
  }
};

inline DecodeOptions window(double start_s, double duration_s) {
  return {.clip = {.start_s = start_s, .duration_s = duration_s}};
}

inline double greatest_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return INFINITY;
  double greatest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) greatest = std::max(greatest, std::abs(double{a[i]} - double{b[i]}));
  return greatest;
}

/// Pearson's r of a[i] and b[i + shift] over the common range.
inline double correlation(std::span<const float> a, std::span<const float> b, std::ptrdiff_t shift) {
  double ab = 0, aa = 0, bb = 0;
  for (std::ptrdiff_t i = std::max<std::ptrdiff_t>(0, -shift); i < std::ssize(a) && i + shift < std::ssize(b); ++i) {
    const double x = a[static_cast<std::size_t>(i)], y = b[static_cast<std::size_t>(i + shift)];
    ab += x * y, aa += x * x, bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace genrewise::testing
