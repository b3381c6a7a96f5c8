/// @file
/// Module dsp: spectrograms, mel and chroma filterbanks, constant-Q transform, loudness, rhythm and other descriptors.
/// This header: the short-time Fourier transform. Row i of a spectrogram is frame i (transposed compared to librosa).
/// @code{.cpp}
/// const genrewise::Stft stft({.n_fft = 2048, .hop_samples = 512});
/// stft.power(samples, 0, stft.frames(samples.size()), power.data(), stft.bins(), scratch);
/// @endcode
#pragma once

#include <complex>
#include <cstddef>
#include <span>

#include "genrewise/base/aligned.hpp"
#include "genrewise/dsp/fft.hpp"

namespace genrewise {

/// The periodic Hann window, 0.5 - 0.5 cos(2 pi n / size), as scipy.signal.get_window("hann", size); with `symmetric`,
/// size - 1 replaces size (fftbins=False).
AlignedVector<double> hann_window(std::size_t size, bool symmetric = false);

struct StftConfig {
  std::size_t n_fft = 2048;
  std::size_t hop_samples = 512;
  std::size_t window_samples = 0;  ///< at most n_fft; shorter windows are centred in the frame; 0: n_fft
  bool symmetric_window = false;
  bool reflect = false;  ///< pads with the mirrored signal (torch.stft's default), not zeros
};

/// Power spectrogram, like abs(librosa.stft(y, n_fft, hop_length)) ** 2: frame i is centred at sample i * hop_samples;
/// the signal is zero-padded unless `reflect` is set. Computed in double precision like librosa, because spectral
/// contrast also uses almost empty bins (above an MP3's low-pass), which in single precision contain only rounding
/// errors of the loud ones. Thread-safe with one Scratch per thread.
class Stft {
 public:
  struct Scratch {
    AlignedVector<double> frame;
    AlignedVector<std::complex<double>> spectrum;
  };

  /// Throws Error for a window longer than n_fft or a size or hop of 0.
  explicit Stft(const StftConfig& config = {});

  std::size_t bins() const { return fft_.bins(); }
  std::size_t n_fft() const { return fft_.size(); }
  std::size_t hop_samples() const { return hop_samples_; }
  /// 1 + samples / hop_samples; 0 for an empty signal.
  std::size_t frames(std::size_t samples) const { return samples == 0 ? 0 : 1 + samples / hop_samples_; }

  /// Writes |X|^2 of frames [first, first + count), row i at power + i * stride (bins() values).
  void power(std::span<const float> samples, std::size_t first, std::size_t count, float* power, std::size_t stride,
             Scratch& scratch) const;

 private:
  std::size_t hop_samples_;
  bool reflect_;
  RealFft64 fft_;
  AlignedVector<double> window_;
};

}  // namespace genrewise
