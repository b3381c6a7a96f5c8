#include "genrewise/dsp/frame_series.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "genrewise/dsp/tile.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/dsp/frame_series.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

// Loops without vector types are vectorised by the compiler, for each target.
HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, kTileFrames>;

// The sign changes between neighbours; values within 1e-10 of zero count as positive.
std::size_t crossings(const float* samples, std::size_t count) {
  unsigned changes = 0;
  for (std::size_t i = 1; i < count; ++i) changes += (samples[i - 1] < -1e-10f) != (samples[i] < -1e-10f);
  return changes;
}

void add_increases(const float* before, const float* now, std::size_t count, float floor, float* sums) {
  for (std::size_t i = 0; i < count; ++i)
    sums[i] += std::max(std::max(now[i], floor) - std::max(before[i], floor), 0.0F);
}

float flatness(const float* power, std::size_t count) {
  constexpr float kSmallest = 1e-10F;
  const Floats d;
  auto logs = hn::Zero(d), sums = hn::Zero(d);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto value = hn::Max(hn::Load(d, power + i), hn::Set(d, kSmallest));
    logs = hn::Add(logs, hn::Log10(d, value));
    sums = hn::Add(sums, value);
  }
  double log_sum = hn::GetLane(hn::SumOfLanes(d, logs)), sum = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; i < count; ++i) {
    const float value = std::max(power[i], kSmallest);
    log_sum += std::log10(value);
    sum += value;
  }
  const auto n = static_cast<double>(count);
  return static_cast<float>(std::pow(10, log_sum / n) / (sum / n));
}

// The sum over i of a sqrt(one[i]) or (kPower 2) of (a sqrt(one[i]) - b sqrt(other[i]))^2.
template <int kPower>
float sum_of_roots(float a, const float* one, float b, const float* other, std::size_t count) {
  const Floats d;
  const auto term = [&](auto tag, std::size_t i) HWY_ATTR {
    const auto first = hn::Mul(hn::Set(tag, a), hn::Sqrt(hn::LoadU(tag, one + i)));
    if constexpr (kPower == 1) return first;
    const auto difference = hn::NegMulAdd(hn::Set(tag, b), hn::Sqrt(hn::LoadU(tag, other + i)), first);
    return hn::Mul(difference, difference);
  };
  auto sums = hn::Zero(d);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) sums = hn::Add(sums, term(d, i));
  float sum = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; i < count; ++i) sum += hn::GetLane(term(hn::CappedTag<float, 1>(), i));
  return sum;
}

float flux(const float* previous, const float* power, std::size_t count) {
  const float sum_before = sum_of_roots<1>(1, previous, 0, previous, count),
              sum_now = sum_of_roots<1>(1, power, 0, power, count);
  return sum_of_roots<2>(sum_now > 0 ? 1 / sum_now : 0, power, sum_before > 0 ? 1 / sum_before : 0, previous, count);
}

constexpr std::size_t kKernel = 31, kHalfKernel = kKernel / 2;

// scipy.ndimage's "reflect": d c b a | a b c d | d c b a.
std::size_t reflected(std::ptrdiff_t i, std::size_t count) {
  const auto period = static_cast<std::ptrdiff_t>(2 * count);
  i = (i % period + period) % period;
  return static_cast<std::size_t>(i < static_cast<std::ptrdiff_t>(count) ? i : period - 1 - i);
}

// The values in the window in ascending order, per lane.
class SortedWindow {
 public:
  SortedWindow() {
    for (auto& value : values_) value = hn::Set(Floats(), std::numeric_limits<float>::infinity());
  }
  hn::Vec<Floats> median() const { return values_[kHalfKernel]; }
  void insert(hn::Vec<Floats> value) {
    for (std::size_t i = kKernel; i-- > 1;) values_[i] = hn::Max(values_[i - 1], hn::Min(values_[i], value));
    values_[0] = hn::Min(values_[0], value);
  }
  void replace(hn::Vec<Floats> old, hn::Vec<Floats> value) {
    // Values at or above the old one move down by one and overwrite it.
    for (std::size_t i = 0; i + 1 < kKernel; ++i)
      values_[i] = hn::IfThenElse(hn::Lt(values_[i], old), values_[i], values_[i + 1]);
    values_[kKernel - 1] = hn::Set(Floats(), std::numeric_limits<float>::infinity());
    insert(value);
  }

 private:
  hn::Vec<Floats> values_[kKernel];
};

// Medians down each column of a rows x stride matrix (stride a multiple of kTileFrames).
void column_medians(const float* from, std::size_t rows, std::size_t stride, float* to) {
  const Floats d;
  for (std::size_t column = 0; column < stride; column += hn::Lanes(d)) {
    const auto at = [&](std::ptrdiff_t row)
                        HWY_ATTR { return hn::Load(d, from + reflected(row, rows) * stride + column); };
    const auto reach = static_cast<std::ptrdiff_t>(kHalfKernel);
    SortedWindow window;
    for (std::ptrdiff_t row = -reach; row <= reach; ++row) window.insert(at(row));
    for (std::size_t row = 0; row < rows; ++row) {
      hn::Store(window.median(), d, to + row * stride + column);
      const auto i = static_cast<std::ptrdiff_t>(row);
      window.replace(at(i - reach), at(i + 1 + reach));
    }
  }
}

void share_of_harmonic(const float* harmonic, const float* percussive, std::size_t count, float* share) {
  for (std::size_t b = 0; b < count; ++b) {
    const float larger = std::max(harmonic[b], percussive[b]);
    const float scale = larger < std::numeric_limits<float>::min() ? 0.0F : 1 / larger;
    const float h = harmonic[b] * scale, p = percussive[b] * scale, sum = h * h + p * p;
    share[b] = sum > 0 ? h * h / sum : 0.5F;
  }
}

// Maps float bits to integers of the same order; the map is its own inverse.
std::int32_t ordered(std::int32_t bits) {
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

// The smallest key that has more than `rank` keys at or below it. Bisecting the range of keys reads the series up to 32
// times, but without data-dependent branches: faster than a partial sort of a few thousand values.
std::int32_t key_of_rank(const std::int32_t* keys, std::size_t count, std::size_t rank, std::int64_t low,
                         std::int64_t high) {
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const auto limit = static_cast<std::int32_t>(middle);
    std::uint32_t at_or_below = 0;
    for (std::size_t i = 0; i < count; ++i) at_or_below += keys[i] <= limit;
    if (at_or_below > rank) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return static_cast<std::int32_t>(low);
}

float median(const float* series, std::size_t count, std::int32_t* keys) {
  std::int32_t least = std::numeric_limits<std::int32_t>::max(), most = std::numeric_limits<std::int32_t>::min();
  for (std::size_t i = 0; i < count; ++i) {
    keys[i] = ordered(std::bit_cast<std::int32_t>(series[i]));
    least = std::min(least, keys[i]);
    most = std::max(most, keys[i]);
  }
  const std::size_t upper_rank = count / 2;
  const std::int32_t upper = key_of_rank(keys, count, upper_rank, least, most);
  const float upper_value = std::bit_cast<float>(ordered(upper));
  if (count % 2 == 1) return upper_value;
  // Its predecessor in sorted order: the largest value below it, unless it occurs more than once.
  std::uint32_t below = 0;
  std::int32_t largest_below = least;
  for (std::size_t i = 0; i < count; ++i) {
    below += keys[i] < upper;
    largest_below = std::max(largest_below, keys[i] < upper ? keys[i] : least);
  }
  if (below < upper_rank) return upper_value;
  return (upper_value + std::bit_cast<float>(ordered(largest_below))) / 2;
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(crossings);
HWY_EXPORT(add_increases);
HWY_EXPORT(flatness);
HWY_EXPORT(flux);
HWY_EXPORT(column_medians);
HWY_EXPORT(share_of_harmonic);
HWY_EXPORT(median);

void zero_crossing_rate(std::span<const float> samples, std::size_t frame_samples, std::size_t hop_samples,
                        std::span<float> rates) {
  const std::size_t half = frame_samples / 2;
  // Among samples [from, to).
  const auto crossings_of = [&samples](std::size_t from, std::size_t to) {
    return HWY_DYNAMIC_DISPATCH(crossings)(samples.data() + from, to - std::min(from, to));
  };
  std::size_t count = 0, first = 0, end = 0;  // the frame [first, end) within the signal
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const std::size_t centre = i * hop_samples;
    const std::size_t next_first = centre > half ? centre - half : 0;
    const std::size_t next_end = std::min(centre + half, samples.size());
    // Advances the frame: adds the crossings that enter and subtracts those that leave, including the boundaries to the
    // remaining samples.
    count += crossings_of(end == 0 ? 0 : end - 1, next_end);
    count -= crossings_of(first, next_first + 1);
    first = next_first;
    end = next_end;
    rates[i] = static_cast<float>(static_cast<double>(count) / static_cast<double>(frame_samples));
  }
}

void delta(std::span<const float> series, std::span<float> slope) {
  constexpr std::size_t kReach = 4;
  constexpr float kSumOfSquares = 60;  // of -4 ... 4
  std::fill(slope.begin(), slope.end(), 0.0F);
  if (series.size() <= 2 * kReach) return;
  const std::size_t last = series.size() - kReach;
  for (std::size_t t = kReach; t < last; ++t) {
    float sum = 0;
    for (std::size_t k = 1; k <= kReach; ++k) sum += static_cast<float>(k) * (series[t + k] - series[t - k]);
    slope[t] = sum / kSumOfSquares;
  }
  std::fill_n(slope.begin(), kReach, slope[kReach]);
  std::fill(slope.end() - kReach, slope.end(), slope[last - 1]);
}

void onset_strength(const float* mel_db, std::size_t bands, std::size_t stride, float floor_db,
                    std::span<float> envelope) {
  constexpr std::size_t kDelay = 2, kFirst = kDelay + 1;
  std::fill(envelope.begin(), envelope.end(), 0.0F);
  if (envelope.size() <= kFirst) return;
  const auto add = HWY_DYNAMIC_DISPATCH(add_increases);
  for (std::size_t band = 0; band < bands; ++band) {
    const float* level = mel_db + band * stride;
    add(level, level + 1, envelope.size() - kFirst, floor_db, envelope.data() + kFirst);
  }
  for (float& value : envelope) value /= static_cast<float>(bands);
}

float spectral_flatness(std::span<const float> power) {
  return HWY_DYNAMIC_DISPATCH(flatness)(power.data(), power.size());
}

float spectral_flux(std::span<const float> previous, std::span<const float> power) {
  return HWY_DYNAMIC_DISPATCH(flux)(previous.data(), power.data(), power.size());
}

void harmonic_mask(const Matrix& magnitudes, Matrix& mask, HarmonicScratch& scratch) {
  const std::size_t frames = magnitudes.rows(), bands = magnitudes.cols();
  if (mask.rows() != frames || mask.cols() != bands) mask = Matrix(frames, bands);
  if (magnitudes.empty()) return;
  const std::size_t band_stride = aligned_stride(bands), frame_stride = aligned_stride(frames);
  for (auto* buffer : {&scratch.by_frame, &scratch.by_band, &scratch.over_time, &scratch.over_frequency})
    buffer->resize(band_stride * frame_stride);
  for (std::size_t t = 0; t < frames; ++t)
    std::copy(magnitudes.row(t).begin(), magnitudes.row(t).end(),
              scratch.by_frame.begin() + static_cast<std::ptrdiff_t>(t * band_stride));
  const auto medians = HWY_DYNAMIC_DISPATCH(column_medians);
  medians(scratch.by_frame.data(), frames, band_stride, scratch.over_time.data());
  transpose(scratch.by_frame.data(), band_stride, frame_stride, band_stride, scratch.by_band.data(), frame_stride);
  medians(scratch.by_band.data(), bands, frame_stride, scratch.by_frame.data());
  transpose(scratch.by_frame.data(), frame_stride, band_stride, frame_stride, scratch.over_frequency.data(),
            band_stride);

  const auto share = HWY_DYNAMIC_DISPATCH(share_of_harmonic);
  for (std::size_t t = 0; t < frames; ++t)
    share(scratch.over_time.data() + t * band_stride, scratch.over_frequency.data() + t * band_stride, bands,
          mask.row(t).data());
}

void harmonic_share(const Matrix& magnitudes, const Matrix& mask, std::span<float> share) {
  for (std::size_t t = 0; t < magnitudes.rows(); ++t) {
    float sum = 0, harmonic = 0;
    for (std::size_t b = 0; b < magnitudes.cols(); ++b) {
      sum += magnitudes(t, b);
      harmonic += magnitudes(t, b) * mask(t, b);
    }
    share[t] = sum > 0 ? harmonic / sum : 0.5F;
  }
}

Moments moments(std::span<const float> series, std::vector<std::int32_t>& scratch) {
  scratch.resize(series.size());
  const double n = static_cast<double>(series.size());
  float least = series[0], most = series[0];
  double sum = 0;
  for (const float value : series) {
    sum += value;
    least = std::min(least, value);
    most = std::max(most, value);
  }
  const double mean = sum / n;
  double second = 0, third = 0, fourth = 0;
  for (const float value : series) {
    const double off = value - mean, square = off * off;
    second += square;
    third += square * off;
    fourth += square * square;
  }
  second /= n;
  third /= n;
  fourth /= n;
  Moments result{.mean = static_cast<float>(mean),
                 .std = static_cast<float>(std::sqrt(second)),
                 .skew = 0,
                 .kurtosis = -3,
                 .median = HWY_DYNAMIC_DISPATCH(median)(series.data(), series.size(), scratch.data()),
                 .min = least,
                 .max = most};
  constexpr double kFloatResolution = 1e-6;
  if (second > std::pow(kFloatResolution * mean, 2)) {
    result.skew = static_cast<float>(third / std::pow(second, 1.5));
    result.kurtosis = static_cast<float>(fourth / (second * second) - 3);
  }
  return result;
}

}  // namespace genrewise
#endif
