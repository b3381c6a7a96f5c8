// Small datasets on disk. Opening a dataset never decodes, so the "audio" files are empty.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {

inline void touch(const std::filesystem::path& path) {
  make_folders(path.parent_path());
  write_file(path, "");
}

/// A WAV file of 16-bit mono.
inline void write_wav(const std::filesystem::path& path, std::span<const float> samples, int sample_rate_hz) {
  const auto number = [](std::uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  };
  const auto rate = static_cast<std::uint32_t>(sample_rate_hz), size = static_cast<std::uint32_t>(2 * samples.size());
  std::string text = "RIFF" + number(36 + size, 4) + "WAVEfmt " + number(16, 4) + number(1, 2) + number(1, 2) +
                     number(rate, 4) + number(2 * rate, 4) + number(2, 2) + number(16, 2) + "data" + number(size, 4);
  for (const float sample : samples) {
    text += number(static_cast<std::uint16_t>(std::lround(std::clamp(sample, -1.0f, 1.0f) * 32767)), 2);
  }
  make_folders(path.parent_path());
  write_file(path, text);
}

inline std::vector<float> sine(double frequency_hz, double duration_s, int sample_rate_hz, double amplitude = 0.5) {
  std::vector<float> samples(static_cast<std::size_t>(duration_s * sample_rate_hz));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(
        amplitude * std::sin(6.283185307179586 * frequency_hz * static_cast<double>(i) / sample_rate_hz));
  }
  return samples;
}

}  // namespace genrewise::testing
