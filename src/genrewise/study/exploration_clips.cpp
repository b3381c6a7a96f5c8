// What a clip looks like: envelope, mel-spectrogram, chromagram and spectral centroid.
#include <algorithm>
#include <cmath>

#include "genrewise/audio/decode.hpp"
#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/features/frame_analysis.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/study/exploration.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr int kRateHz = 22050;
constexpr double kLongest_s = 30;
constexpr std::size_t kWaveformColumns = 300, kColumns = 200, kMelRows = 64, kMelBandsPerRow = 2;

/// Consecutive ranges that divide `count` values into at most `most` columns.
struct Columns {
  std::size_t values, count;
  Columns(std::size_t all, std::size_t most) : values(all), count(std::min(all, most)) {}
  std::size_t begin(std::size_t column) const { return column * values / count; }
};

double two_decimals(double value) {
  return std::round(100 * value) / 100;
}

json envelope(const std::vector<float>& samples) {
  const Columns columns(samples.size(), kWaveformColumns);
  json low = json::array(), high = json::array();
  for (std::size_t c = 0; c < columns.count; ++c) {
    const auto [least, most] =
        std::ranges::minmax(std::span(samples).subspan(columns.begin(c), columns.begin(c + 1) - columns.begin(c)));
    low.push_back(two_decimals(std::clamp(least, -1.0F, 1.0F)));
    high.push_back(two_decimals(std::clamp(most, -1.0F, 1.0F)));
  }
  return {{"low", std::move(low)}, {"high", std::move(high)}};
}

/// `share` of a cell in 0..1, as rows x columns bytes in base64.
template <class Share>
json image(std::size_t rows, std::size_t columns, Share share) {
  std::string bytes;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < columns; ++c)
      bytes += static_cast<char>(std::lround(255 * std::clamp(static_cast<double>(share(row, c)), 0.0, 1.0)));
  }
  return {{"rows", rows}, {"columns", columns}, {"values", to_base64(bytes)}};
}

/// Mean power of two bands and of the frames of a column, in dB below the loudest such mean.
json mel_image(Series& mel, const Columns& columns) {
  std::vector<double> power(kMelRows * columns.count);
  for (std::size_t row = 0; row < kMelRows; ++row) {
    for (std::size_t c = 0; c < columns.count; ++c) {
      double sum = 0;
      for (std::size_t band = kMelBandsPerRow * row; band < kMelBandsPerRow * (row + 1); ++band) {
        for (std::size_t t = columns.begin(c); t < columns.begin(c + 1); ++t)
          sum += std::pow(10, mel.row(band)[t] / 10);
      }
      power[row * columns.count + c] = sum / static_cast<double>(columns.begin(c + 1) - columns.begin(c));
    }
  }
  const double loudest = std::ranges::max(power);
  json drawn = image(kMelRows, columns.count, [&](std::size_t row, std::size_t c) {
    return 1 + 10 * std::log10(power[row * columns.count + c] / loudest) / kDynamicRangeDb;
  });
  drawn["db_low"] = -kDynamicRangeDb;
  drawn["db_high"] = 0;
  return drawn;
}

json picture_of(const Waveform& wave, const FrameAnalysis& analysis) {
  ClipAnalysis clip(wave);
  const FrameFeatures frames = analysis.process(clip);
  Series& series = frames.series;
  const Columns columns(series.frames(), kColumns);
  const auto mean = [&](std::size_t row, std::size_t c) {
    double sum = 0;
    for (std::size_t t = columns.begin(c); t < columns.begin(c + 1); ++t) sum += series.row(row)[t];
    return sum / static_cast<double>(columns.begin(c + 1) - columns.begin(c));
  };
  json centroid = json::array();
  for (std::size_t c = 0; c < columns.count; ++c) centroid.push_back(std::round(mean(FrameAnalysis::kCentroid, c)));
  const double duration_s = static_cast<double>(wave.samples.size()) / wave.sample_rate_hz;
  return {{"duration_s", two_decimals(duration_s)},
          {"waveform", envelope(wave.samples)},
          {"mel", mel_image(frames.mel, columns)},
          {"chroma", image(kPitchClasses, columns.count,
                           [&](std::size_t row, std::size_t c) { return mean(FrameAnalysis::kChroma + row, c); })},
          {"centroid_hz", std::move(centroid)}};
}

}  // namespace

std::vector<Expected<json>> clip_pictures(const std::vector<const Track*>& tracks) {
  const FrameAnalysis analysis({.contrast = false, .cqt_tuning = false});
  std::vector<Expected<json>> pictures(tracks.size());
  parallel_for(tracks.size(), [&](std::size_t i, int) {
    ClipRequest clip = tracks[i]->clip;
    if (clip.duration_s > kLongest_s) clip.duration_s = kLongest_s;
    const auto wave = decode_file(tracks[i]->path, {.clip = clip, .sample_rate_hz = kRateHz});
    const auto checked = wave ? check_clip(*wave) : tl::unexpected(wave.error());
    if (checked) {
      pictures[i] = picture_of(*wave, analysis);
      pictures[i]->update({{"id", tracks[i]->id}, {"file", absolute_location(tracks[i]->path).string()}});
    } else {
      pictures[i] = tl::unexpected(checked.error());
    }
    Runtime::current().progress().advance();
  });
  return pictures;
}

}  // namespace genrewise
