// The filters of one octave of the constant-Q transform.
#pragma once

#include <cstddef>
#include <vector>

#include "genrewise/dsp/aligned.hpp"

namespace genrewise {

inline constexpr std::size_t kBinsPerOctave = 12;

/// Twelve complex filters, all symmetric (real part) and antisymmetric (imaginary part) about one point, so only half
/// of each is stored. For a frame centred on sample t, the output of filter b is
///   sum over i < pairs() of  even(i, b) * (x[t + 1 + i] + x[t + left - i])  +  j * odd(i, b) * (x[t + 1 + i] - x[t +
///   left - i]).
struct CqtKernel {
  int left = 0;                    ///< 0: centre of symmetry between two samples; 1: on a sample
  AlignedVector<float> even, odd;  ///< pairs() x kBinsPerOctave

  std::size_t pairs() const { return even.size() / kBinsPerOctave; }
  float* even_row(std::size_t i) { return even.data() + i * kBinsPerOctave; }
  float* odd_row(std::size_t i) { return odd.data() + i * kBinsPerOctave; }
};

/// Half of the symmetric low-pass filter ([0] is its centre) with which librosa.resample(res_type="soxr_hq",
/// scale=True) halves a sampling rate: a sinc under a Kaiser window, fitted to soxr's impulse response to within 3e-7,
/// times sqrt(2).
const std::vector<float>& halving_filter();

/// The filters of librosa.cqt (filter_scale 1, norm 1, sparsity 0.01, Hann) for the octave of `lowest_hz`, scale=True
/// included, for frames of `frame_samples` samples, from frame_samples_for().
CqtKernel make_cqt_kernel(double lowest_hz, double sample_rate_hz, std::size_t frame_samples);

/// The smallest power of two that is not shorter than the longest filter of the octave of `lowest_hz`, in samples.
std::size_t frame_samples_for(double lowest_hz, double sample_rate_hz);

/// Combines halving_filter() and `kernel` into one kernel for the signal at double the rate.
CqtKernel at_double_rate(const CqtKernel& kernel);

}  // namespace genrewise
