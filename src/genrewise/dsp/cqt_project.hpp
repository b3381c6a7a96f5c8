// The constant-Q kernels applied to frames of a signal.
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

/// Writes the kernel's twelve magnitudes for the frames [first, last), frame t being centred on sample t * hop_samples
/// of a signal that is zero outside its span, into columns [column, column + 12) of the rows of the same numbers.
void project(std::span<const float> signal, std::size_t hop_samples, const CqtKernel& kernel, std::size_t first,
             std::size_t last, std::size_t column, Matrix& magnitude, CqtProjectScratch& scratch);

}  // namespace genrewise
