// Applies constant-Q kernels to frames of a signal.
#pragma once

#include <cstddef>
#include <span>

#include "genrewise/base/matrix.hpp"
#include "genrewise/dsp/aligned.hpp"
#include "genrewise/dsp/cqt_kernel.hpp"

namespace genrewise {

struct CqtProjectScratch {
  AlignedVector<float> padded, phases;
  std::vector<std::ptrdiff_t> right, left;
};

/// Writes the kernel's twelve magnitudes of frames [first, last) to rows [first, last), columns [column, column + 12)
/// of `magnitude`. Frame t is centred on sample t * hop_samples; the signal is zero outside its span.
void project(std::span<const float> signal, std::size_t hop_samples, const CqtKernel& kernel, std::size_t first,
             std::size_t last, std::size_t column, Matrix& magnitude, CqtProjectScratch& scratch);

}  // namespace genrewise
