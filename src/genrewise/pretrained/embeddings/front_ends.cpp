#include "genrewise/pretrained/embeddings/front_ends.hpp"

#include <algorithm>
#include <numbers>

#include "genrewise/dsp/tile.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kMusicnnFft = 512, kMusicnnHop = 256;

}  // namespace

template <class Use>
void MelSpectrogram::process(std::span<const float> samples, std::size_t first_frame, std::size_t count,
                             Scratch& scratch, const Use& use) const {
  const std::size_t stride = aligned_stride(stft_.bins());
  scratch.power.resize(kTileFrames * stride);
  scratch.tile.resize(kTileFrames * stft_.bins());
  scratch.bands.resize(kTileFrames * mel_.size());
  for (std::size_t done = 0; done < count; done += kTileFrames) {
    const std::size_t here = std::min(kTileFrames, count - done);
    stft_.power(samples, first_frame + done, here, scratch.power.data(), stride, scratch.stft);
    transpose_to_tile(scratch.power.data(), stride, stft_.bins(), scratch.tile.data());
    mel_.apply(scratch.tile.data(), scratch.bands.data(), kTileFrames);
    use(done, here, scratch.bands.data());
  }
}

EfficientAtFrontEnd::EfficientAtFrontEnd()
    : mel_({.n_fft = 1024, .hop_samples = 320, .window_samples = 800, .symmetric_window = true, .reflect = true},
           {.scale = MelScale::kaldi,
            .sample_rate_hz = kSampleRateHz,
            .n_fft = 1024,
            .n_mels = kBands,
            .fmin_hz = 0,
            .fmax_hz = 15000}) {}

void EfficientAtFrontEnd::emphasise(std::span<const float> samples, Scratch& scratch) const {
  constexpr float kEmphasis = 0.97f;
  scratch.emphasised.resize(samples.size() - 1);
  for (std::size_t n = 0; n + 1 < samples.size(); ++n) scratch.emphasised[n] = samples[n + 1] - kEmphasis * samples[n];
}

void EfficientAtFrontEnd::process(std::size_t first, std::size_t count, std::span<float> out, Scratch& scratch) const {
  constexpr float kFloor = 1e-5f, kOffset = 4.5f, kScale = 1 / 5.0f;
  constexpr auto kLnPerLog10 = static_cast<float>(std::numbers::ln10);
  mel_.process(scratch.emphasised, first, count, scratch.mel, [&](std::size_t at, std::size_t some, float* bands) {
    log10({bands, kBands * kTileFrames}, 1, kFloor, bands);
    for (std::size_t b = 0; b < kBands; ++b)
      for (std::size_t i = 0; i < some; ++i)
        out[b * count + at + i] = (bands[b * kTileFrames + i] * kLnPerLog10 + kOffset) * kScale;
  });
}

MusicnnFrontEnd::MusicnnFrontEnd()
    : mel_({.n_fft = kMusicnnFft, .hop_samples = kMusicnnHop, .reflect = true},
           {.sample_rate_hz = kSampleRateHz, .n_fft = kMusicnnFft, .n_mels = kBands}) {}

std::size_t MusicnnFrontEnd::samples_for(std::size_t frames) {
  return frames == 0 ? 0 : std::max<std::size_t>(1, (frames - 1) * kMusicnnHop);
}

void MusicnnFrontEnd::process(std::span<const float> samples, std::size_t first, std::size_t count,
                              std::span<float> out, Scratch& scratch) const {
  constexpr float kCompression = 10000;
  mel_.process(samples, first, count, scratch, [&](std::size_t at, std::size_t some, float* bands) {
    log10({bands, kBands * kTileFrames}, kCompression, 1, bands);
    for (std::size_t b = 0; b < kBands; ++b)
      for (std::size_t i = 0; i < some; ++i) out[(at + i) * kBands + b] = bands[b * kTileFrames + i];
  });
}

}  // namespace genrewise
