#include "genrewise/dsp/cqt_kernel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "genrewise/dsp/lanes.hpp"

namespace genrewise {
namespace {

// Twelve bins times kVectors accumulators leave some of the processor's registers free.
#if defined(__AVX512F__)
constexpr std::size_t kVectors = 2;
#else
constexpr std::size_t kVectors = 1;
#endif

constexpr std::size_t kTile = kLanes * kVectors;  // frames processed at once
constexpr std::size_t kChunk = 64;                // frames whose samples are arranged together, to stay in the cache
static_assert(kChunk % kTile == 0);

inline Lanes load_anywhere(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

using TileSums = std::array<std::array<float, kTile>, kBinsPerOctave>;

// For each bin b and frame l: the sum over i of coefficients[i][b] * (right[i][l] + sign * left[i][l]).
template <int kSign>
void accumulate(const float* phases, const std::ptrdiff_t* right, const std::ptrdiff_t* left, const float* coefficients,
                std::size_t pairs, TileSums& sums) {
  Lanes total[kBinsPerOctave][kVectors] = {};
  for (std::size_t i = 0; i < pairs; ++i) {
    Lanes folded[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Lanes r = load_anywhere(phases + right[i] + v * kLanes), l = load_anywhere(phases + left[i] + v * kLanes);
      folded[v] = kSign > 0 ? r + l : r - l;
    }
    for (std::size_t b = 0; b < kBinsPerOctave; ++b)
      for (std::size_t v = 0; v < kVectors; ++v) total[b][v] += coefficients[i * kBinsPerOctave + b] * folded[v];
  }
  std::memcpy(sums.data(), total, sizeof total);
}

// The samples [begin, begin + count), zero outside the signal.
const float* window(std::span<const float> signal, std::ptrdiff_t begin, std::size_t count,
                    AlignedVector<float>& padded) {
  const auto size = static_cast<std::ptrdiff_t>(signal.size()), end = begin + static_cast<std::ptrdiff_t>(count);
  if (begin >= 0 && end <= size) return signal.data() + begin;
  padded.assign(count, 0.0f);
  const std::ptrdiff_t from = std::clamp<std::ptrdiff_t>(begin, 0, size), to = std::clamp(end, from, size);
  if (from < to) std::copy(signal.begin() + from, signal.begin() + to, padded.begin() + (from - begin));
  return padded.data();
}

// phases[p * stride + q] = samples[q * hop + p]: the same sample of successive frames is adjacent, for samples 0 ...
// width - 1 of kChunk frames.
void split_phases(const float* samples, std::size_t hop, std::size_t width, std::size_t stride, float* phases) {
  const std::size_t count = std::min(hop, width);
  for (std::size_t p = 0; p < count; p += kLanes) {
    const std::size_t rows = std::min(kLanes, count - p), columns = kChunk + (width - 1 - p) / hop;
    for (std::size_t q = 0; q < columns; q += kLanes) {
      Lanes square[kLanes];
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kLanes; ++i) square[i] = load_anywhere(samples + (q + i) * hop + p);
      transpose_square(square);
      for (std::size_t i = 0; i < rows; ++i) store_lanes(phases + (p + i) * stride + q, square[i]);
    }
  }
}

}  // namespace

void project(std::span<const float> signal, std::size_t hop_samples, const CqtKernel& kernel, std::size_t first,
             std::size_t last, std::size_t column, Matrix& magnitude, CqtProjectScratch& scratch) {
  const std::size_t pairs = kernel.pairs(), reach = pairs;  // samples on each side of a frame's centre
  const std::size_t width = 2 * reach + 1, phases = std::min(hop_samples, width);
  const std::size_t columns = aligned_stride(kChunk + (width - 1) / hop_samples);
  const std::size_t stride = columns + kAlignmentBytes / sizeof(float);
  scratch.phases.resize(phases * stride);
  scratch.right.resize(pairs);
  scratch.left.resize(pairs);
  const auto phase_offset = [&](std::size_t sample) {
    return static_cast<std::ptrdiff_t>(sample % hop_samples * stride + sample / hop_samples);
  };
  for (std::size_t i = 0; i < pairs; ++i) {
    scratch.right[i] = phase_offset(reach + 1 + i);
    scratch.left[i] = phase_offset(reach + static_cast<std::size_t>(kernel.left) - i);
  }

  alignas(64) TileSums even, odd;
  for (std::size_t chunk = first; chunk < last; chunk += kChunk) {
    const auto begin = static_cast<std::ptrdiff_t>(chunk * hop_samples) - static_cast<std::ptrdiff_t>(reach);
    const float* samples = window(signal, begin, (columns - 1) * hop_samples + aligned_stride(phases), scratch.padded);
    split_phases(samples, hop_samples, width, stride, scratch.phases.data());
    for (std::size_t tile = chunk; tile < std::min(chunk + kChunk, last); tile += kTile) {
      const float* lanes = scratch.phases.data() + (tile - chunk);
      accumulate<+1>(lanes, scratch.right.data(), scratch.left.data(), kernel.even.data(), pairs, even);
      accumulate<-1>(lanes, scratch.right.data(), scratch.left.data(), kernel.odd.data(), pairs, odd);
      for (std::size_t b = 0; b < kBinsPerOctave; ++b)
        for (std::size_t l = 0; l < kTile; ++l) even[b][l] = std::sqrt(even[b][l] * even[b][l] + odd[b][l] * odd[b][l]);
      for (std::size_t l = 0; l < std::min(kTile, last - tile); ++l)
        for (std::size_t b = 0; b < kBinsPerOctave; ++b) magnitude(tile + l, column + b) = even[b][l];
    }
  }
}

}  // namespace genrewise
