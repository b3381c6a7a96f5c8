#include <algorithm>
#include <cmath>

#include "genrewise/dsp/cqt_kernel.hpp"
#include "genrewise/dsp/tile.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/dsp/cqt_project.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
constexpr std::size_t kLanes = hn::MaxLanes(Floats());
// Twelve bins times kVectors sums leave some of the 16 or 32 registers free.
constexpr std::size_t kVectors = HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3 ? 1 : 2;

// sums[b]: for each frame the sum over i of coefficients[i][b] * (right[i] + sign * left[i]).
template <int kSign>
HWY_INLINE void accumulate(const float* phases, const std::ptrdiff_t* right, const std::ptrdiff_t* left,
                           const float* coefficients, std::size_t pairs,
                           hn::Vec<Floats> (&sums)[kBinsPerOctave][kVectors]) {
  const Floats d;
  HWY_UNROLL(12)
  for (std::size_t b = 0; b < kBinsPerOctave; ++b) {
    HWY_UNROLL(2)
    for (std::size_t v = 0; v < kVectors; ++v) sums[b][v] = hn::Zero(d);
  }
  for (std::size_t i = 0; i < pairs; ++i, coefficients += kBinsPerOctave) {
    hn::Vec<Floats> folded[kVectors];
    HWY_UNROLL(2)
    for (std::size_t v = 0; v < kVectors; ++v) {
      const auto r = hn::LoadU(d, phases + right[i] + v * kLanes), l = hn::LoadU(d, phases + left[i] + v * kLanes);
      folded[v] = kSign > 0 ? hn::Add(r, l) : hn::Sub(r, l);
    }
    HWY_UNROLL(12)
    for (std::size_t b = 0; b < kBinsPerOctave; ++b) {
      HWY_UNROLL(2)
      for (std::size_t v = 0; v < kVectors; ++v)
        sums[b][v] = hn::MulAdd(hn::Set(d, coefficients[b]), folded[v], sums[b][v]);
    }
  }
}

// The magnitudes of `frames` frames, bin b at magnitudes + b * stride. Reads and writes up to the next multiple of 32
// frames.
void filter_frames(const float* phases, const CqtProjectScratch& offsets, const CqtKernel& kernel, std::size_t frames,
                   float* magnitudes, std::size_t stride) {
  const Floats d;
  for (std::size_t at = 0; at < frames; at += kVectors * kLanes) {
    hn::Vec<Floats> even[kBinsPerOctave][kVectors], odd[kBinsPerOctave][kVectors];
    accumulate<+1>(phases + at, offsets.right.data(), offsets.left.data(), kernel.even.data(), kernel.pairs(), even);
    accumulate<-1>(phases + at, offsets.right.data(), offsets.left.data(), kernel.odd.data(), kernel.pairs(), odd);
    for (std::size_t b = 0; b < kBinsPerOctave; ++b)
      for (std::size_t v = 0; v < kVectors; ++v) {
        const auto power = hn::MulAdd(even[b][v], even[b][v], hn::Mul(odd[b][v], odd[b][v]));
        hn::StoreU(hn::Sqrt(power), d, magnitudes + b * stride + at + v * kLanes);
      }
  }
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(filter_frames);

namespace {

constexpr std::size_t kChunk = 64;  // frames whose samples are arranged together, to stay in the cache

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

  alignas(kAlignmentBytes) float magnitudes[kBinsPerOctave * kChunk];
  for (std::size_t chunk = first; chunk < last; chunk += kChunk) {
    const auto begin = static_cast<std::ptrdiff_t>(chunk * hop_samples) - static_cast<std::ptrdiff_t>(reach);
    const float* samples = window(signal, begin, (columns - 1) * hop_samples + aligned_stride(phases), scratch.padded);
    // phases[p * stride + q] = samples[q * hop_samples + p]: the same sample of successive frames is adjacent.
    transpose(samples, hop_samples, columns, phases, scratch.phases.data(), stride);
    const std::size_t count = std::min(kChunk, last - chunk);
    HWY_DYNAMIC_DISPATCH(filter_frames)(scratch.phases.data(), scratch, kernel, count, magnitudes, kChunk);
    for (std::size_t t = 0; t < count; ++t)
      for (std::size_t b = 0; b < kBinsPerOctave; ++b) magnitude(chunk + t, column + b) = magnitudes[b * kChunk + t];
  }
}

}  // namespace genrewise
#endif
