// The filters of one octave of the constant-Q transform.
#pragma once

#include <cstddef>
#include <vector>

#include "genrewise/dsp/aligned.hpp"

namespace genrewise {

inline constexpr std::size_t kBinsPerOctave = 12;

/// Twelve complex filters, all symmetric (real part) and antisymmetric (imaginary part) about one point, so that only
/// half of each is kept. For a frame centred on sample t, filter b answers
///   sum over i < pairs() of  even(i, b) * (x[t + 1 + i] + x[t + left - i])  +  j * odd(i, b) * (x[t + 1 + i] - x[t +
///   left - i]).
struct CqtKernel {
  int left = 0;                    ///< 0: the point of symmetry lies between two samples; 1: on a sample
  AlignedVector<float> even, odd;  ///< pairs() x kBinsPerOctave

  std::size_t pairs() const { return even.size() / kBinsPerOctave; }
  float* even_row(std::size_t i) { return even.data() + i * kBinsPerOctave; }
  float* odd_row(std::size_t i) { return odd.data() + i * kBinsPerOctave; }
};

/// Half of the low-pass filter (symmetric, [0] is its middle) by which librosa.resample(res_type="soxr_hq", scale=True)
/// halves a sampling rate: a sinc under a Kaiser window, fitted to soxr's impulse response to within 3e-7, times
/// sqrt(2).
const std::vector<float>& halving_filter();

/// The filters of librosa.cqt (filter_scale 1, norm 1, sparsity 0.01, Hann) for the octave of `lowest_hz`, scale=True
/// included, for frames of `frame_samples` (which frame_samples_for() gives).
CqtKernel make_cqt_kernel(double lowest_hz, double sample_rate_hz, std::size_t frame_samples);

/// The power of two that holds the longest filter of the octave of `lowest_hz`.
std::size_t frame_samples_for(double lowest_hz, double sample_rate_hz);

/// The kernel that gives on a signal what `kernel` gives on the same signal at half the rate, filtered by
/// halving_filter(): both steps in one.
CqtKernel at_double_rate(const CqtKernel& kernel);

}  // namespace genrewise
