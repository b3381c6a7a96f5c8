// Spectrograms. Row i is frame i (the transpose of librosa's), the bins of a frame lie side by side.
#pragma once

#include <complex>
#include <cstddef>
#include <span>

#include "genrewise/dsp/aligned.hpp"
#include "genrewise/dsp/fft.hpp"

namespace genrewise {

/// The periodic Hann window, 0.5 - 0.5 cos(2 pi n / size), as scipy.signal.get_window("hann", size); the symmetric one
/// has size - 1 in place of size (fftbins=False).
AlignedVector<double> hann_window(std::size_t size, bool symmetric = false);

struct StftConfig {
  std::size_t n_fft = 2048;
  std::size_t hop_samples = 512;
  std::size_t window_samples = 0;  ///< at most n_fft: a shorter window lies in the middle of its frame; 0: n_fft
  bool symmetric_window = false;
  bool reflect = false;  ///< what lies outside the signal is its mirror image (torch.stft's default), not zero
};

/// Power spectrogram, as abs(librosa.stft(y, n_fft, hop_length)) ** 2: frame i is centred at sample i * hop_samples,
/// what lies outside the signal counts as zero unless `reflect` is set. Computed in double precision as librosa does,
/// because bins in which there is next to nothing (above an MP3's low-pass) are read too, by the spectral contrast, and
/// in single precision they hold nothing but the rounding errors of the loud ones.
class Stft {
 public:
  struct Scratch {
    AlignedVector<double> frame;
    AlignedVector<std::complex<double>> spectrum;
  };

  explicit Stft(const StftConfig& config = {});

  std::size_t bins() const { return fft_.bins(); }
  std::size_t n_fft() const { return fft_.size(); }
  std::size_t hop_samples() const { return hop_samples_; }
  /// 1 + samples / hop_samples; a signal without samples has none.
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
