#include "genrewise/features/frame_analysis.hpp"

#include <algorithm>
#include <cmath>

#include "genrewise/dsp/frame_series.hpp"
#include "genrewise/dsp/tile.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kNFft = 2048, kHopSamples = 512, kMels = 128;

}  // namespace

void Series::resize(std::size_t rows, std::size_t frames) {
  frames_ = frames;
  stride_ = aligned_stride(frames);
  values_.resize(rows * stride_);
}

TuningEstimator& FrameAnalysis::Scratch::tuning(Tuning& slot, int sample_rate_hz, std::size_t bins) {
  if (slot.sample_rate_hz == sample_rate_hz) {
    slot.estimator->reset();
  } else {
    slot.estimator.emplace(sample_rate_hz, bins);
    slot.sample_rate_hz = sample_rate_hz;
  }
  return *slot.estimator;
}

FrameAnalysis::FrameAnalysis(const FrameAnalysisConfig& config)
    : config_(config), stft_({kNFft, kHopSamples}), dct_(kMels, kMfccs) {}

const MelFilterbank& FrameAnalysis::mel_filterbank(int sample_rate_hz) const {
  const std::lock_guard lock(cache_mutex_);
  auto& cached = mel_filterbanks_[sample_rate_hz];
  if (!cached) {
    cached =
        std::make_unique<MelFilterbank>(MelConfig{.sample_rate_hz = sample_rate_hz, .n_fft = kNFft, .n_mels = kMels});
  }
  return *cached;
}

const ChromaFilterbank& FrameAnalysis::chroma_filterbank(int sample_rate_hz, double tuning) const {
  const int hundredths = static_cast<int>(std::lround(100 * tuning));  // the resolution of the estimate
  const std::lock_guard lock(cache_mutex_);
  auto& cached = chroma_filterbanks_[{sample_rate_hz, hundredths}];
  if (!cached) cached = std::make_unique<ChromaFilterbank>(ChromaConfig{sample_rate_hz, kNFft, tuning});
  return *cached;
}

void FrameAnalysis::process(std::span<const float> samples, int sample_rate_hz, Scratch& scratch) const {
  const int pitch_rate_hz = config_.pitch_rate_hz > 0 ? config_.pitch_rate_hz : sample_rate_hz;
  scratch.series.resize(kRows, frames(samples.size()));
  zero_crossing_rate(samples, kNFft, kHopSamples, scratch.series.row(kZcr));
  spectra(samples, sample_rate_hz, pitch_rate_hz, scratch);
  if (config_.chroma) chroma(pitch_rate_hz, scratch);
  if (config_.rolloff_offset != 0) rolloff_of_offset_signal(samples, pitch_rate_hz, scratch);
}

// Magnitudes of kTileFrames frames, frame by frame in scratch.rows and as a tile in scratch.tile. Frames after the last
// one are zero. `power` receives the squares, kTileFrames rows.
void FrameAnalysis::magnitude_tile(std::span<const float> samples, std::size_t first, float* power,
                                   Scratch& scratch) const {
  const std::size_t row = aligned_stride(bins()), count = frames(samples.size());
  const std::size_t here = std::min(kTileFrames, count - std::min(first, count));
  scratch.rows.resize(kTileFrames * row);
  scratch.tile.resize(bins() * kTileFrames);
  stft_.power(samples, first, here, power, row, scratch.stft);
  std::fill(power + here * row, power + kTileFrames * row, 0.0f);
  square_root({power, kTileFrames * row}, scratch.rows.data());
  transpose_to_tile(scratch.rows.data(), row, bins(), scratch.tile.data());
}

void FrameAnalysis::spectra(std::span<const float> samples, int sample_rate_hz, int pitch_rate_hz,
                            Scratch& scratch) const {
  Series& series = scratch.series;
  const MelFilterbank& mel_filters = mel_filterbank(sample_rate_hz);
  std::optional<SpectralContrast> contrast;
  if (config_.contrast) contrast.emplace(pitch_rate_hz, kNFft);
  TuningEstimator& power_tuning = scratch.tuning(scratch.power_tuning, pitch_rate_hz, bins());
  TuningEstimator& magnitude_tuning = scratch.tuning(scratch.magnitude_tuning, sample_rate_hz, bins());
  const std::size_t count = series.frames(), stride = series.stride(), row = aligned_stride(bins());
  scratch.power.resize(stride * row);
  scratch.mel.resize(kMels, count);
  scratch.valleys.resize(kContrastBands, count);

  for (std::size_t first = 0; first < stride; first += kTileFrames) {
    float* const power = scratch.power.data() + first * row;
    magnitude_tile(samples, first, power, scratch);
    for (std::size_t i = 0; i < kTileFrames && first + i < count; ++i) {
      if (config_.chroma) power_tuning.add_frame({power + i * row, bins()});
      if (config_.cqt_tuning) magnitude_tuning.add_frame({scratch.rows.data() + i * row, bins()});
    }
    float* const tile = scratch.tile.data();
    spectral_shape(tile, bins(), pitch_rate_hz,
                   {series.data(kCentroid) + first, series.data(kBandwidth) + first, series.data(kRolloff) + first,
                    series.data(kRms) + first});
    if (contrast) contrast->extremes(tile, series.data(kContrast) + first, scratch.valleys.data(0) + first, stride);

    square(scratch.tile);
    mel_filters.apply(tile, scratch.mel.data(0) + first, stride);
  }
  if (config_.cqt_tuning) scratch.cqt_tuning = magnitude_tuning.estimate();
  if (contrast) contrast_in_db(series.data(kContrast), scratch.valleys.data(0), stride, count);
  cepstra(maximum({scratch.mel.data(0), kMels * stride}), scratch);
}

void FrameAnalysis::cepstra(float loudest_mel, Scratch& scratch) const {
  const std::size_t stride = scratch.series.stride();
  power_to_db({scratch.mel.data(0), kMels * stride});
  const float floor_db = 10 * std::log10(std::max(kMinimumPower, loudest_mel)) - kDynamicRangeDb;
  for (std::size_t first = 0; first < stride; first += kTileFrames) {
    dct_.apply(scratch.mel.data(0) + first, stride, floor_db, scratch.series.data(kMfcc) + first, stride);
  }
}

void FrameAnalysis::chroma(int rate_hz, Scratch& scratch) const {
  Series& series = scratch.series;
  const ChromaFilterbank& filters = chroma_filterbank(rate_hz, scratch.power_tuning.estimator->estimate());
  filters.apply(scratch.power.data(), series.frames(), aligned_stride(bins()), series.data(kChroma), series.stride());
}

void FrameAnalysis::rolloff_of_offset_signal(std::span<const float> samples, int rate_hz, Scratch& scratch) const {
  scratch.offset_samples.resize(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) scratch.offset_samples[i] = samples[i] + config_.rolloff_offset;
  scratch.unused.resize(3, kTileFrames);
  for (std::size_t first = 0; first < scratch.series.stride(); first += kTileFrames) {
    magnitude_tile(scratch.offset_samples, first, scratch.power.data(), scratch);
    spectral_shape(scratch.tile.data(), bins(), rate_hz,
                   {scratch.unused.data(0), scratch.unused.data(1), scratch.series.data(kRolloff) + first,
                    scratch.unused.data(2)});
  }
}

}  // namespace genrewise
