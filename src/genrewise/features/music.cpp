// music: FMA's kinds of features at the clip's true rate and with the correct bins per octave, and rhythm, key,
// loudness, change over time and harmonic share.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "genrewise/dsp/cqt.hpp"
#include "genrewise/dsp/frame_series.hpp"
#include "genrewise/dsp/loudness.hpp"
#include "genrewise/dsp/tempogram.hpp"
#include "genrewise/dsp/tile.hpp"
#include "genrewise/dsp/tonality.hpp"
#include "genrewise/features/feature_list.hpp"
#include "genrewise/features/frame_analysis.hpp"
#include "genrewise/features/statistics.hpp"

namespace genrewise {
namespace {

constexpr int kLowestRateHz = 16000;  // the last octave of the spectral contrast starts at 6,400 Hz
constexpr double kHopSamples = 512, kTempoWindow_s = 8;
constexpr std::size_t kTempogramStep = 16, kTonnetzSize = 6;

// Series that the frame analysis lacks: first those of its frames, then those of the constant-Q transform's frames.
constexpr std::size_t kDelta = 0, kFlatness = kDelta + FrameAnalysis::kMfccs, kFlux = kFlatness + 1, kOnset = kFlux + 1,
                      kHarmonic = kOnset + 1, kExtraRows = kHarmonic + 1;
constexpr std::size_t kChromaCqt = 0, kTonnetz = kChromaCqt + kPitchClasses, kCqtRows = kTonnetz + kTonnetzSize;

enum Source : std::size_t { kFrames, kExtra, kCqt };
constexpr SeriesRows kFeatures[] = {{"chroma_cqt", kCqt, kChromaCqt, kPitchClasses},
                                    {"harmonic_share", kExtra, kHarmonic, 1},
                                    {"mfcc", kFrames, FrameAnalysis::kMfcc, FrameAnalysis::kMfccs},
                                    {"mfcc_delta", kExtra, kDelta, FrameAnalysis::kMfccs},
                                    {"onset_strength", kExtra, kOnset, 1},
                                    {"rmse", kFrames, FrameAnalysis::kRms, 1},
                                    {"spectral_bandwidth", kFrames, FrameAnalysis::kBandwidth, 1},
                                    {"spectral_centroid", kFrames, FrameAnalysis::kCentroid, 1},
                                    {"spectral_contrast", kFrames, FrameAnalysis::kContrast, kContrastBands},
                                    {"spectral_flatness", kExtra, kFlatness, 1},
                                    {"spectral_flux", kExtra, kFlux, 1},
                                    {"spectral_rolloff", kFrames, FrameAnalysis::kRolloff, 1},
                                    {"tonnetz", kCqt, kTonnetz, kTonnetzSize},
                                    {"zcr", kFrames, FrameAnalysis::kZcr, 1}};

// Numbers per clip: the feature is "clip", the statistic is their name.
struct ClipNumbers {
  const char* name;
  std::size_t count;
};
constexpr ClipNumbers kClipNumbers[] = {{"key_chroma", kPitchClasses},
                                        {"key_margin", 1},
                                        {"key_mode", 1},
                                        {"key_strength", 1},
                                        {"loudness_integrated", 1},
                                        {"loudness_max_momentary", 1},
                                        {"loudness_max_short_term", 1},
                                        {"loudness_range", 1},
                                        {"metric_pattern", kMetricMultiples.size()},
                                        {"peak_to_loudness", 1},
                                        {"tempo_bpm", 1},
                                        {"tempo_strength", 1}};

struct MusicScratch {
  Tempogram::Scratch rhythm;
  HarmonicScratch harmonic;
  Matrix chroma, centroid, tempogram, magnitudes, mask;
  Series extra, cqt_series;
  AlignedVector<float> previous_power;
  std::vector<float> centred_onsets;
  std::vector<std::int32_t> keys;
};

std::vector<float> column_means(const Matrix& matrix) {
  std::vector<double> sums(matrix.cols());
  for (std::size_t i = 0; i < matrix.rows(); ++i)
    for (std::size_t j = 0; j < matrix.cols(); ++j) sums[j] += matrix(i, j);
  std::vector<float> means(sums.size());
  for (std::size_t j = 0; j < sums.size(); ++j)
    means[j] = static_cast<float>(sums[j] / static_cast<double>(matrix.rows()));
  return means;
}

void movement(const FrameAnalysis& analysis, ClipAnalysis& clip, const FrameFeatures& features, MusicScratch& scratch) {
  const std::size_t frames = scratch.extra.frames(), bins = analysis.bins(), stride = aligned_stride(bins);
  for (std::size_t i = 0; i < FrameAnalysis::kMfccs; ++i)
    delta(features.series.row(FrameAnalysis::kMfcc + i), scratch.extra.row(kDelta + i));
  const float* tile = nullptr;
  for (std::size_t t = 0; t < frames; ++t) {
    if (t % kTileFrames == 0) tile = analysis.powers(clip, t);
    const std::span<const float> power(tile + t % kTileFrames * stride, bins);
    scratch.extra.row(kFlatness)[t] = spectral_flatness(power);
    scratch.extra.row(kFlux)[t] = t == 0 ? 0 : spectral_flux(scratch.previous_power, power);
    scratch.previous_power.assign(power.begin(), power.end());
  }
}

// Onsets and the harmonic share, both from the mel spectrogram in dB.
void onsets_and_harmony(Series& mel, MusicScratch& scratch) {
  const std::size_t frames = mel.frames(), bands = 128;
  float loudest_db = mel.row(0)[0];
  for (std::size_t band = 0; band < bands; ++band)
    loudest_db = std::max(loudest_db, *std::max_element(mel.row(band).begin(), mel.row(band).end()));
  const float floor_db = loudest_db - kDynamicRangeDb;
  onset_strength(mel.data(0), bands, mel.stride(), floor_db, scratch.extra.row(kOnset));

  if (scratch.magnitudes.rows() != frames) scratch.magnitudes = Matrix(frames, bands);
  for (std::size_t band = 0; band < bands; ++band)
    for (std::size_t t = 0; t < frames; ++t)
      // Relative to the loudest, so that nothing underflows; the share does not depend on it.
      scratch.magnitudes(t, band) = std::exp2((mel.row(band)[t] - loudest_db) * 0.16609640474F);  // 10^(dB / 20)
  harmonic_mask(scratch.magnitudes, scratch.mask, scratch.harmonic);
  harmonic_share(scratch.magnitudes, scratch.mask, scratch.extra.row(kHarmonic));
}

float* put(float* at, double value) {
  *at = static_cast<float>(value);
  return at + 1;
}

float* put_key(float* at, const Matrix& chroma) {
  const auto mean = column_means(chroma);
  const KeyEstimate key = estimate_key(std::span<const float, kPitchClasses>(mean.data(), kPitchClasses));
  for (std::size_t i = 0; i < kPitchClasses; ++i)
    at = put(at, mean[(static_cast<std::size_t>(key.tonic) + i) % kPitchClasses]);
  at = put(at, key.margin);
  at = put(at, key.mode);
  return put(at, key.strength);
}

class Music final : public StoredFeatureSet {
 public:
  Music()
      : StoredFeatureSet(
            make_recipe("music", 1,
                        "n_fft 2048 hop 512 native rate; seven statistics of mfcc 20, delta width 9, contrast, "
                        "shape, rms, zcr, flatness, flux, onset strength, harmonic share (mel 128, median 31), "
                        "chroma and tonnetz of cqt 84 bins from C1 at the estimated tuning; key by Krumhansl and "
                        "Kessler; BS.1770-4 mono; tempogram of centred onsets 8 s step 16, prior 120 bpm; "
                        "constant: skew 0 kurtosis -3"),
            make_columns()),
        analysis_({}) {}

  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    const Waveform& wave = clip.waveform();
    if (wave.samples.empty()) return too_short(wave, 1);
    if (wave.sample_rate_hz < kLowestRateHz)
      return tl::unexpected(Fault{
          "wrong sample rate",
          {},
          fmt::format("{} Hz, but the spectral contrast needs at least {} Hz", wave.sample_rate_hz, kLowestRateHz)});
    auto& scratch = clip.memory<MusicScratch>();
    const FrameFeatures frames = analysis_.process(clip);
    scratch.extra.resize(kExtraRows, frames.series.frames());
    movement(analysis_, clip, frames, scratch);
    onsets_and_harmony(frames.mel, scratch);
    harmony(constant_q(clip, frames.cqt_tuning), scratch);
    float* const clip_numbers =
        write_statistics(kFeatures, {&frames.series, &scratch.extra, &scratch.cqt_series}, scratch.keys, out.data());
    put_clip_numbers(clip_numbers, wave, scratch);
    return {};
  }

  static std::vector<FeatureColumn> make_columns() {
    std::vector<FeatureColumn> all = statistics_columns(kFeatures);
    for (const ClipNumbers& numbers : kClipNumbers)
      for (std::size_t i = 1; i <= numbers.count; ++i) all.push_back({"clip", numbers.name, zero_padded(i, 2)});
    return all;
  }

 private:
  static void harmony(const Matrix& notes, MusicScratch& scratch) {
    chroma_cqt(notes, kBinsPerOctave, scratch.chroma);
    tonnetz(scratch.chroma, scratch.centroid);
    scratch.cqt_series.resize(kCqtRows, notes.rows());
    copy_transposed(scratch.chroma, scratch.cqt_series, kChromaCqt);
    copy_transposed(scratch.centroid, scratch.cqt_series, kTonnetz);
  }

  // In the order of kClipNumbers.
  static void put_clip_numbers(float* at, const Waveform& clip, MusicScratch& scratch) {
    at = put_key(at, scratch.chroma);
    const Loudness loudness = measure_loudness(clip.samples, clip.sample_rate_hz);
    at = put(at, loudness.integrated_lufs);
    at = put(at, loudness.max_momentary_lufs);
    at = put(at, loudness.max_short_term_lufs);
    at = put(at, loudness.range_lu);

    const double frames_per_second = clip.sample_rate_hz / kHopSamples;
    const Tempogram tempogram(
        {.window_frames = static_cast<std::size_t>(kTempoWindow_s * frames_per_second), .step_frames = kTempogramStep});
    // Mean removed: constant onset strength correlates at every lag without being a beat.
    const auto onsets = scratch.extra.row(kOnset);
    const float average = std::accumulate(onsets.begin(), onsets.end(), 0.0F) / static_cast<float>(onsets.size());
    scratch.centred_onsets.assign(onsets.begin(), onsets.end());
    for (float& onset : scratch.centred_onsets) onset -= average;
    tempogram.process(scratch.centred_onsets, scratch.tempogram, scratch.rhythm);
    const auto mean = column_means(scratch.tempogram);
    const Tempo tempo = estimate_tempo(mean, frames_per_second);
    for (const float value : metric_pattern(mean, tempo.lag_frames)) at = put(at, value);
    at = put(at, loudness.peak_dbfs - loudness.integrated_lufs);
    at = put(at, tempo.bpm);
    put(at, tempo.strength);
  }

  FrameAnalysis analysis_;
};

}  // namespace

FeatureSetDescriptor music_features() {
  return {.name = "music",
          .title = "timbre, harmony, rhythm, loudness",
          .summary =
              "FMA's kinds of features with their quirks corrected, and key, tempo, metre, loudness and the "
              "movement of timbre",
          .columns = Music::make_columns().size(),
          .shape = "",
          .takes = "any rate from 16,000 Hz, any length",
          .make = [] { return std::make_unique<Music>(); }};
}

}  // namespace genrewise
