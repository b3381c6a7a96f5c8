#include "genrewise/dsp/stft.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "genrewise/base/error.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/dsp/stft.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Doubles = hn::ScalableTag<double>;
using HalfFloats = hn::Rebind<float, Doubles>;

void apply_window(const double* window, const float* samples, std::size_t count, double* frame) {
  const Doubles d;
  std::size_t n = 0;
  for (; n + hn::Lanes(d) <= count; n += hn::Lanes(d)) {
    const auto values = hn::PromoteTo(d, hn::LoadU(HalfFloats(), samples + n));
    hn::StoreU(hn::Mul(hn::LoadU(d, window + n), values), d, frame + n);
  }
  for (; n < count; ++n) frame[n] = window[n] * samples[n];
}

// `spectrum`: real and imaginary parts in turn.
void power_of(const double* spectrum, std::size_t count, float* power) {
  const Doubles d;
  std::size_t k = 0;
  for (; k + hn::Lanes(d) <= count; k += hn::Lanes(d)) {
    hn::Vec<Doubles> real, imaginary;
    hn::LoadInterleaved2(d, spectrum + 2 * k, real, imaginary);
    const auto sum = hn::MulAdd(real, real, hn::Mul(imaginary, imaginary));
    hn::StoreU(hn::DemoteTo(HalfFloats(), sum), HalfFloats(), power + k);
  }
  for (; k < count; ++k)
    power[k] = static_cast<float>(spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1]);
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(apply_window);
HWY_EXPORT(power_of);

AlignedVector<double> hann_window(std::size_t size, bool symmetric) {
  AlignedVector<double> window(size);
  const std::size_t period = symmetric && size > 1 ? size - 1 : size;
  for (std::size_t n = 0; n < size; ++n) {
    const double turn = static_cast<double>(n) / static_cast<double>(period);
    window[n] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * turn);
  }
  return window;
}

namespace {

AlignedVector<double> centred_window(const StftConfig& config) {
  const std::size_t size = config.window_samples == 0 ? config.n_fft : config.window_samples;
  if (size > config.n_fft)
    throw Error("the window is longer than the frame", "Stft", "reduce window_samples or raise n_fft");
  const AlignedVector<double> window = hann_window(size, config.symmetric_window);
  AlignedVector<double> frame(config.n_fft);
  std::ranges::copy(window, frame.begin() + static_cast<std::ptrdiff_t>((config.n_fft - size) / 2));
  return frame;
}

/// Maps `index` into a signal of `size` samples by reflection without repeating the ends (numpy.pad's "reflect").
std::size_t mirrored(std::ptrdiff_t index, std::size_t size) {
  if (size == 1) return 0;
  const auto last = static_cast<std::ptrdiff_t>(size) - 1;
  const std::ptrdiff_t turned = (index < 0 ? -index : index) % (2 * last);
  return static_cast<std::size_t>(turned <= last ? turned : 2 * last - turned);
}

}  // namespace

Stft::Stft(const StftConfig& config)
    : hop_samples_(config.hop_samples), reflect_(config.reflect), fft_(config.n_fft), window_(centred_window(config)) {
  if (hop_samples_ == 0) throw Error("the hop must be at least one sample", "Stft", "set hop_samples");
}

void Stft::power(std::span<const float> samples, std::size_t first, std::size_t count, float* power, std::size_t stride,
                 Scratch& scratch) const {
  const std::size_t size = n_fft(), half = size / 2;
  scratch.frame.resize(size);
  scratch.spectrum.resize(bins());
  double* const frame = scratch.frame.data();
  for (std::size_t i = 0; i < count; ++i, power += stride) {
    // The frame covers samples [centre - half, centre - half + size) of the signal, zeros beyond its ends.
    const std::size_t centre = (first + i) * hop_samples_;
    const std::size_t before = centre < half ? half - centre : 0;
    const std::size_t start = centre + before - half;
    const std::size_t inside = std::min(size - before, samples.size() - std::min(start, samples.size()));
    HWY_DYNAMIC_DISPATCH(apply_window)(window_.data() + before, samples.data() + start, inside, frame + before);
    const auto fill_outside = [&](std::size_t begin, std::size_t end) {
      const auto origin = static_cast<std::ptrdiff_t>(centre) - static_cast<std::ptrdiff_t>(half);
      for (std::size_t n = begin; n < end; ++n) {
        const std::ptrdiff_t index = origin + static_cast<std::ptrdiff_t>(n);
        frame[n] = reflect_ ? window_[n] * samples[mirrored(index, samples.size())] : 0.0;
      }
    };
    fill_outside(0, before);
    fill_outside(before + inside, size);

    fft_.forward(frame, scratch.spectrum.data());
    HWY_DYNAMIC_DISPATCH(power_of)(reinterpret_cast<const double*>(scratch.spectrum.data()), bins(), power);
  }
}

}  // namespace genrewise
#endif
