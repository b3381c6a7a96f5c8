// Parts of the constant-Q transform: the filters of one octave, their application, and the way to the next octave.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/matrix.hpp"

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

/// Filters of librosa.cqt (filter_scale 1, norm 1, sparsity 0.01, Hann), a semitone apart from `lowest_hz`, scale=True
/// included, for frames of `frame_samples` samples, from frame_samples_for(). `quality`: see cqt_quality().
CqtKernel make_cqt_kernel(double lowest_hz, double sample_rate_hz, std::size_t frame_samples, double quality);

/// The smallest power of two that is not shorter than the filter at `lowest_hz`, in samples.
std::size_t frame_samples_for(double lowest_hz, double sample_rate_hz, double quality);

/// Combines halving_filter() and `kernel` into one kernel for the signal at double the rate.
CqtKernel at_double_rate(const CqtKernel& kernel);

struct CqtProjectScratch {
  AlignedVector<float> padded, phases;
  std::vector<std::ptrdiff_t> right, left;
};

/// Writes the kernel's twelve magnitudes of frames [first, last) to rows [first, last), columns [column, column + 12)
/// of `magnitude`. Frame t is centred on sample t * hop_samples; the signal is zero outside its span.
void project(std::span<const float> signal, std::size_t hop_samples, const CqtKernel& kernel, std::size_t first,
             std::size_t last, std::size_t column, Matrix& magnitude, CqtProjectScratch& scratch);

/// Writes `in` at half its rate, times sqrt(2) (like librosa.resample(scale=True)), to `out` ((in.size() + 1) / 2
/// samples). The first and last `exact_samples` (>= 1) use the filter of librosa's resampler (halving_filter()): they
/// contain the transient of a clip that starts or ends abruptly. In between, with a smooth transition, a short
/// half-band filter is used. It matches the other one within 1e-4 up to a quarter of the new rate; lower octaves do not
/// use frequencies above that (where it aliases).
void halve_rate(std::span<const float> in, std::size_t exact_samples, std::span<float> out);

}  // namespace genrewise
