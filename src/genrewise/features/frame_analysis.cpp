#include "genrewise/features/frame_analysis.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "genrewise/dsp/cqt.hpp"
#include "genrewise/dsp/frame_series.hpp"
#include "genrewise/dsp/tile.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kNFft = 2048, kHopSamples = 512, kMels = 128;

/// The value of a key in a cache, which is emptied before it grows large: files may have any rate.
template <class Map>
typename Map::mapped_type& kept(Map& cache, const typename Map::key_type& key) {
  constexpr std::size_t kMost = 512;
  if (cache.size() >= kMost && !cache.contains(key)) cache.clear();
  return cache[key];
}

}  // namespace

void Series::resize(std::size_t rows, std::size_t frames) {
  frames_ = frames;
  stride_ = aligned_stride(frames);
  values_.resize(rows * stride_);
}

/// Features at one pitch rate. The numbers are those of the clips for which they hold; 0: none.
struct FrameAnalysis::Frames {
  Series series;
  std::uint64_t shape = 0, contrast = 0, chroma = 0, offset_rolloff = 0;
};

struct FrameAnalysis::Work {
  Stft::Scratch stft;
  AlignedVector<float> power;
  std::vector<LowBins> low;  // by frame
  AlignedVector<float> rows, tile, offset_power;
  std::vector<float> offset_samples;
  Series mel, valleys, unused;
  std::map<int, Frames> frames;  // by the configured pitch rate
  Frames* first = nullptr;       // has the MFCC and zero crossings of the clip
  double cqt_tuning = 0;
  bool keeps_power = true;
  std::uint64_t spectra = 0, tuned = 0;  // clips of power, low, mel and `first`, and of the tuning
  struct Tuning {
    int sample_rate_hz = 0;
    std::optional<TuningEstimator> estimator;
    /// Reset; that of the previous clip if the rate is the same.
    TuningEstimator& begin(int rate_hz, std::size_t bins) {
      if (sample_rate_hz == rate_hz) {
        estimator->reset();
      } else {
        estimator.emplace(rate_hz, bins);
        sample_rate_hz = rate_hz;
      }
      return *estimator;
    }
  } power_tuning, magnitude_tuning;
};

/// What is not computed yet.
struct FrameAnalysis::Todo {
  bool spectra, cqt_tuning, shape, contrast, chroma, offset_rolloff;
  bool any() const { return spectra || cqt_tuning || shape || contrast || chroma || offset_rolloff; }
};

FrameAnalysis::FrameAnalysis(const FrameAnalysisConfig& config)
    : config_(config), stft_({kNFft, kHopSamples}), dct_(kMels, kMfccs) {
  const std::vector<float> constant(2 * kNFft, config.rolloff_offset);
  std::vector<float> power(bins());
  Stft::Scratch scratch;
  stft_.power(constant, kNFft / kHopSamples, 1, power.data(), bins(), scratch);
  offset_ = {scratch.spectrum[0], scratch.spectrum[1]};
}

std::shared_ptr<const MelFilterbank> FrameAnalysis::mel_filterbank(int sample_rate_hz) const {
  const std::lock_guard lock(cache_mutex_);
  auto& cached = kept(mel_filterbanks_, sample_rate_hz);
  if (!cached) {
    cached =
        std::make_shared<MelFilterbank>(MelConfig{.sample_rate_hz = sample_rate_hz, .n_fft = kNFft, .n_mels = kMels});
  }
  return cached;
}

std::shared_ptr<const ChromaFilterbank> FrameAnalysis::chroma_filterbank(int sample_rate_hz, double tuning) const {
  const int hundredths = static_cast<int>(std::lround(100 * tuning));  // the resolution of the estimate
  const std::lock_guard lock(cache_mutex_);
  auto& cached = kept(chroma_filterbanks_, std::pair(sample_rate_hz, hundredths));
  if (!cached) cached = std::make_shared<ChromaFilterbank>(ChromaConfig{sample_rate_hz, kNFft, tuning});
  return cached;
}

int FrameAnalysis::pitch_rate_hz(const Waveform& clip) const {
  return config_.pitch_rate_hz > 0 ? config_.pitch_rate_hz : clip.sample_rate_hz;
}

FrameFeatures FrameAnalysis::process(ClipAnalysis& clip) const {
  const Waveform& wave = clip.waveform();
  const std::uint64_t number = clip.number();
  Work& work = clip.memory<Work>();
  Frames& here = work.frames[config_.pitch_rate_hz];
  const Todo todo{.spectra = work.spectra != number,
                  .cqt_tuning = config_.cqt_tuning && work.tuned != number,
                  .shape = here.shape != number,
                  .contrast = config_.contrast && here.contrast != number,
                  .chroma = config_.chroma && here.chroma != number,
                  .offset_rolloff = config_.rolloff_offset != 0 && here.offset_rolloff != number};
  if (todo.any()) pass(wave, todo, here, work);
  if (todo.spectra) work.spectra = number;
  if (todo.cqt_tuning) work.tuned = number;
  if (todo.shape) here.shape = number;
  if (todo.contrast) here.contrast = number;
  if (todo.chroma) here.chroma = number;
  if (todo.offset_rolloff) here.offset_rolloff = number;
  return {here.series, work.mel, work.cqt_tuning};
}

const float* FrameAnalysis::powers(ClipAnalysis& clip, std::size_t first) const {
  return stored_or_again(clip.waveform().samples, first, false, clip.memory<Work>());
}

/// The tile of powers: as it is stored, unless they are not kept or to be computed `again`.
float* FrameAnalysis::stored_or_again(std::span<const float> samples, std::size_t first, bool again, Work& work) const {
  const std::size_t count = frames(samples.size()), row = aligned_stride(bins());
  float* const power = work.power.data() + (work.keeps_power ? first * row : 0);
  if (again || !work.keeps_power)
    power_tile(samples, first, count, power, again ? work.low.data() + first : nullptr, work);
  return power;
}

/// Computes what is to be done in one pass over the frames.
void FrameAnalysis::pass(const Waveform& clip, const Todo& todo, Frames& frames, Work& work) const {
  Series& series = frames.series;
  const int rate_hz = pitch_rate_hz(clip);
  const std::size_t count = this->frames(clip.samples.size()), row = aligned_stride(bins());
  series.resize(kRows, count);
  const std::size_t stride = series.stride();
  const auto mel_filters = mel_filterbank(clip.sample_rate_hz);
  std::optional<SpectralContrast> contrast;
  if (todo.contrast) contrast.emplace(rate_hz, kNFft);
  TuningEstimator& power_tuning = work.power_tuning.begin(rate_hz, bins());
  TuningEstimator& magnitude_tuning = work.magnitude_tuning.begin(clip.sample_rate_hz, bins());
  work.valleys.resize(kContrastBands, count);
  if (todo.spectra) {
    work.keeps_power = count <= config_.kept_frames;
    work.power.resize((work.keeps_power ? stride : kTileFrames) * row);
    work.low.resize(stride);
    work.mel.resize(kMels, count);
  }
  for (std::size_t first = 0; first < stride; first += kTileFrames) {
    const float* const power = stored_or_again(clip.samples, first, todo.spectra, work);
    magnitude_tile(power, work);
    for (std::size_t i = 0; i < kTileFrames && first + i < count; ++i) {
      if (todo.chroma) power_tuning.add_frame({power + i * row, bins()});
      if (todo.cqt_tuning) magnitude_tuning.add_frame({work.rows.data() + i * row, bins()});
    }
    float* const tile = work.tile.data();
    if (todo.shape)
      spectral_shape(tile, bins(), rate_hz,
                     {series.data(kCentroid) + first, series.data(kBandwidth) + first, series.data(kRolloff) + first,
                      series.data(kRms) + first});
    if (contrast) contrast->extremes(tile, series.data(kContrast) + first, work.valleys.data(0) + first, stride);
    if (todo.offset_rolloff) offset_rolloff(clip, first, power, frames, work);
    if (todo.spectra) {
      square(work.tile);
      mel_filters->apply(tile, work.mel.data(0) + first, stride);
    }
  }
  if (todo.cqt_tuning) work.cqt_tuning = magnitude_tuning.estimate();
  if (contrast) contrast_in_db(series.data(kContrast), work.valleys.data(0), stride, count);
  if (todo.spectra) {
    cepstra(series, work);
    zero_crossing_rate(clip.samples, kNFft, kHopSamples, series.row(kZcr));
    work.first = &frames;
  } else if (work.first != &frames) {
    std::copy_n(work.first->series.data(kMfcc), kMfccs * stride, series.data(kMfcc));
    std::copy_n(work.first->series.data(kZcr), stride, series.data(kZcr));
  }
  if (!todo.chroma) return;
  const auto chroma = chroma_filterbank(rate_hz, power_tuning.estimate());
  for (std::size_t first = 0; first < count; first += kTileFrames)
    chroma->apply(stored_or_again(clip.samples, first, false, work), std::min(kTileFrames, count - first), row,
                  series.data(kChroma) + first, stride);
}

// Powers of kTileFrames frames from `first` on, zero after the `count` frames of the signal.
void FrameAnalysis::power_tile(std::span<const float> samples, std::size_t first, std::size_t count, float* power,
                               LowBins* low, Work& work) const {
  const std::size_t row = aligned_stride(bins()), here = std::min(kTileFrames, count - std::min(first, count));
  for (std::size_t i = 0; i < here; ++i) {
    stft_.power(samples, first + i, 1, power + i * row, row, work.stft);
    if (low != nullptr) low[i] = {work.stft.spectrum[0], work.stft.spectrum[1]};
  }
  std::fill(power + here * row, power + kTileFrames * row, 0.0f);
}

// Their square roots, frame by frame in work.rows and as a tile in work.tile.
void FrameAnalysis::magnitude_tile(const float* power, Work& work) const {
  const std::size_t row = aligned_stride(bins());
  work.rows.resize(kTileFrames * row);
  work.tile.resize(bins() * kTileFrames);
  square_root({power, kTileFrames * row}, work.rows.data());
  transpose_to_tile(work.rows.data(), row, bins(), work.tile.data());
}

void FrameAnalysis::cepstra(Series& series, Work& work) const {
  const std::size_t stride = series.stride();
  const float loudest = maximum({work.mel.data(0), kMels * stride});
  power_to_db({work.mel.data(0), kMels * stride});
  const float floor_db = 10 * std::log10(std::max(kMinimumPower, loudest)) - kDynamicRangeDb;
  for (std::size_t first = 0; first < stride; first += kTileFrames) {
    dct_.apply(work.mel.data(0) + first, stride, floor_db, series.data(kMfcc) + first, stride);
  }
}

// From the magnitudes in work.tile, which it leaves unchanged. The spectrum of signal + constant is the sum of both,
// and of the constant's only the two lowest bins are not 0; this does not hold where a window reaches beyond the
// signal.
void FrameAnalysis::offset_rolloff(const Waveform& clip, std::size_t first, const float* power, Frames& frames,
                                   Work& work) const {
  const std::size_t row = aligned_stride(bins()), samples = clip.samples.size();
  const bool inside =
      first * kHopSamples >= kNFft / 2 && (first + kTileFrames - 1) * kHopSamples + kNFft / 2 <= samples;
  std::array<float, std::tuple_size_v<LowBins> * kTileFrames> lowest;
  std::copy_n(work.tile.begin(), lowest.size(), lowest.begin());
  if (inside) {
    for (std::size_t k = 0; k < lowest.size(); ++k) {
      const std::size_t bin = k / kTileFrames, frame = first + k % kTileFrames;
      work.tile[k] = static_cast<float>(std::sqrt(std::norm(work.low[frame][bin] + offset_[bin])));
    }
  } else {
    // The part of the signal that the frames cover.
    constexpr std::size_t kHalfFrames = kNFft / 2 / kHopSamples;
    const std::size_t skipped = first - std::min(first, kHalfFrames), begin = skipped * kHopSamples,
                      end = std::min(samples, (first + kTileFrames - 1) * kHopSamples + kNFft / 2);
    work.offset_samples.assign(clip.samples.begin() + static_cast<std::ptrdiff_t>(begin),
                               clip.samples.begin() + static_cast<std::ptrdiff_t>(end));
    for (float& sample : work.offset_samples) sample += config_.rolloff_offset;
    work.offset_power.resize(kTileFrames * row);
    power_tile(work.offset_samples, first - skipped, this->frames(samples) - skipped, work.offset_power.data(), nullptr,
               work);
    magnitude_tile(work.offset_power.data(), work);
  }
  work.unused.resize(3, kTileFrames);
  spectral_shape(
      work.tile.data(), bins(), pitch_rate_hz(clip),
      {work.unused.data(0), work.unused.data(1), frames.series.data(kOffsetRolloff) + first, work.unused.data(2)});
  if (inside) {
    std::ranges::copy(lowest, work.tile.begin());
  } else {
    magnitude_tile(power, work);
  }
}

const Matrix& constant_q(ClipAnalysis& clip, double tuning) {
  return clip.once<Matrix>("constant-Q", [&](Matrix& magnitudes) {
    const Waveform& wave = clip.waveform();
    const Cqt cqt(CqtConfig{.sample_rate_hz = wave.sample_rate_hz});
    cqt.process(wave.samples, tuning, magnitudes, clip.memory<Cqt::Scratch>());
  });
}

}  // namespace genrewise
