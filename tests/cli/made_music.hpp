// Small synthetic "genres" that every feature set separates: noise, tones and clicks.
#pragma once

#include <cmath>
#include <filesystem>
#include <numbers>
#include <string>

#include "audio/wav_writer.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise::testing {

inline constexpr const char* kMadeGenres[] = {"clicks", "noise", "tones"};

/// A 16-bit mono WAV file of that genre; `variant` changes pitch, pace and loudness.
inline std::string made_wav(const std::string& genre, int variant, double seconds, int rate_hz = 22050) {
  std::vector<std::int16_t> samples(static_cast<std::size_t>(seconds * rate_hz));
  Rng rng(static_cast<std::uint64_t>(variant) + 1);
  const double loudness = 6000 + 2000 * rng.uniform(), pitch_hz = 200 + 300 * rng.uniform();
  const auto pace = static_cast<std::size_t>(rate_hz * (0.1 + 0.1 * rng.uniform()));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double t = 2 * std::numbers::pi * static_cast<double>(i) / rate_hz;
    double value = 0.01 * (rng.uniform() - 0.5);
    if (genre == "noise") value = rng.uniform() - 0.5;
    if (genre == "tones")
      value = (std::sin(pitch_hz * t) + std::sin(1.25 * pitch_hz * t) + std::sin(1.5 * pitch_hz * t)) / 3;
    if (genre == "clicks" && i % pace < 20) value = 1;
    samples[i] = static_cast<std::int16_t>(loudness * value);
  }
  return wav_of(samples, 1, rate_hz);
}

/// A folder per genre with that many files each.
inline void make_music(const std::filesystem::path& folder, int files_per_genre, double seconds) {
  for (const char* genre : kMadeGenres) {
    make_folders(folder / genre);
    for (int i = 0; i < files_per_genre; ++i)
      write_file(folder / genre / (std::string(genre) + std::to_string(i) + ".wav"), made_wav(genre, i, seconds));
  }
}

}  // namespace genrewise::testing
