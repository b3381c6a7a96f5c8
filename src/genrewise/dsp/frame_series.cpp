#include "genrewise/dsp/frame_series.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "genrewise/dsp/lanes.hpp"

namespace genrewise {
namespace {

bool negative(float sample) {
  return sample < -1e-10f;
}

// The sign changes between neighbours among samples [first, end).
std::size_t crossings(std::span<const float> samples, std::size_t first, std::size_t end) {
  unsigned count = 0;
  for (std::size_t i = first + 1; i < end; ++i) count += negative(samples[i - 1]) != negative(samples[i]);
  return count;
}

// The sum of value(i) for i below `count`, in sixteen partial sums, which can be vectorised.
template <class Value>
float sum_of(std::size_t count, const Value& value) {
  std::array<float, 16> partial{};
  std::size_t i = 0;
  for (; i + partial.size() <= count; i += partial.size())
    for (std::size_t l = 0; l < partial.size(); ++l) partial[l] += value(i + l);
  float sum = 0;
  for (; i < count; ++i) sum += value(i);
  for (const float part : partial) sum += part;
  return sum;
}

float inverse_sum_of_magnitudes(std::span<const float> power) {
  const float sum = sum_of(power.size(), [&](std::size_t i) { return std::sqrt(power[i]); });
  return sum > 0 ? 1 / sum : 0;
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
  SortedWindow() { values_.fill(all_lanes(std::numeric_limits<float>::infinity())); }
  Lanes median() const { return values_[kHalfKernel]; }
  void insert(Lanes value) {
    for (std::size_t i = kKernel; i-- > 1;) values_[i] = max_lanes(values_[i - 1], min_lanes(values_[i], value));
    values_[0] = min_lanes(values_[0], value);
  }
  void replace(Lanes old, Lanes value) {
    // Values at or above the old one move down by one and overwrite it.
    for (std::size_t i = 0; i + 1 < kKernel; ++i) values_[i] = values_[i] < old ? values_[i] : values_[i + 1];
    values_[kKernel - 1] = all_lanes(std::numeric_limits<float>::infinity());
    insert(value);
  }

 private:
  std::array<Lanes, kKernel> values_;
};

// Medians down each column of a rows x stride matrix (stride a multiple of kLanes).
void column_medians(const float* from, std::size_t rows, std::size_t stride, float* to) {
  for (std::size_t column = 0; column < stride; column += kLanes) {
    const auto at = [&](std::ptrdiff_t row) { return load_lanes(from + reflected(row, rows) * stride + column); };
    SortedWindow window;
    for (std::ptrdiff_t row = -static_cast<std::ptrdiff_t>(kHalfKernel);
         row <= static_cast<std::ptrdiff_t>(kHalfKernel); ++row)
      window.insert(at(row));
    for (std::size_t row = 0; row < rows; ++row) {
      store_lanes(to + row * stride + column, window.median());
      const auto i = static_cast<std::ptrdiff_t>(row);
      window.replace(at(i - static_cast<std::ptrdiff_t>(kHalfKernel)),
                     at(i + 1 + static_cast<std::ptrdiff_t>(kHalfKernel)));
    }
  }
}

// to (columns x to_stride) = from (rows x from_stride) transposed; both padded to squares of lanes.
void transpose(const float* from, std::size_t from_stride, std::size_t to_stride, float* to) {
  for (std::size_t row = 0; row < to_stride; row += kLanes)
    for (std::size_t column = 0; column < from_stride; column += kLanes) {
      Lanes square[kLanes];
      for (std::size_t i = 0; i < kLanes; ++i) square[i] = load_lanes(from + (row + i) * from_stride + column);
      transpose_square(square);
      for (std::size_t i = 0; i < kLanes; ++i) store_lanes(to + (column + i) * to_stride + row, square[i]);
    }
}

// Maps float bits to integers of the same order; the map is its own inverse.
std::int32_t ordered(std::int32_t bits) {
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

// The smallest key that has more than `rank` keys at or below it. Bisecting the range of keys reads the series up to 32
// times, but without data-dependent branches: faster than a partial sort of a few thousand values.
std::int32_t key_of_rank(std::span<const std::int32_t> keys, std::size_t rank, std::int64_t low, std::int64_t high) {
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const auto limit = static_cast<std::int32_t>(middle);
    std::uint32_t at_or_below = 0;
    for (const std::int32_t key : keys) at_or_below += key <= limit;
    if (at_or_below > rank) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return static_cast<std::int32_t>(low);
}

float median(std::span<const float> series, std::vector<std::int32_t>& keys) {
  keys.resize(series.size());
  std::int32_t least = std::numeric_limits<std::int32_t>::max(), most = std::numeric_limits<std::int32_t>::min();
  for (std::size_t i = 0; i < series.size(); ++i) {
    keys[i] = ordered(std::bit_cast<std::int32_t>(series[i]));
    least = std::min(least, keys[i]);
    most = std::max(most, keys[i]);
  }
  const std::size_t upper_rank = series.size() / 2;
  const std::int32_t upper = key_of_rank(keys, upper_rank, least, most);
  const float upper_value = std::bit_cast<float>(ordered(upper));
  if (series.size() % 2 == 1) return upper_value;
  // Its predecessor in sorted order: the largest value below it, unless it occurs more than once.
  std::uint32_t below = 0;
  std::int32_t largest_below = least;
  for (const std::int32_t key : keys) {
    below += key < upper;
    largest_below = std::max(largest_below, key < upper ? key : least);
  }
  if (below < upper_rank) return upper_value;
  return (upper_value + std::bit_cast<float>(ordered(largest_below))) / 2;
}

}  // namespace

void zero_crossing_rate(std::span<const float> samples, std::size_t frame_samples, std::size_t hop_samples,
                        std::span<float> rates) {
  const std::size_t half = frame_samples / 2;
  std::size_t count = 0, first = 0, end = 0;  // the frame [first, end) within the signal
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const std::size_t centre = i * hop_samples;
    const std::size_t next_first = centre > half ? centre - half : 0;
    const std::size_t next_end = std::min(centre + half, samples.size());
    // Advances the frame: adds the crossings that enter and subtracts those that leave, including the boundaries to the
    // remaining samples.
    count += crossings(samples, end == 0 ? 0 : end - 1, next_end);
    count -= crossings(samples, first, next_first + 1);
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
  for (std::size_t band = 0; band < bands; ++band) {
    const float* level = mel_db + band * stride;
    for (std::size_t t = kFirst; t < envelope.size(); ++t) {
      const float now = std::max(level[t - kDelay], floor_db), before = std::max(level[t - kDelay - 1], floor_db);
      envelope[t] += std::max(now - before, 0.0F);
    }
  }
  for (float& value : envelope) value /= static_cast<float>(bands);
}

float spectral_flatness(std::span<const float> power) {
  constexpr float kSmallest = 1e-10F;
  Lanes logs{}, sums{};
  std::size_t i = 0;
  for (; i + kLanes <= power.size(); i += kLanes) {
    const Lanes value = max_lanes(load_lanes(power.data() + i), all_lanes(kSmallest));
    logs += log10_lanes(value);
    sums += value;
  }
  double log_sum = sum_of_lanes(logs), sum = sum_of_lanes(sums);
  for (; i < power.size(); ++i) {
    const float value = std::max(power[i], kSmallest);
    log_sum += std::log10(value);
    sum += value;
  }
  const auto count = static_cast<double>(power.size());
  return static_cast<float>(std::pow(10, log_sum / count) / (sum / count));
}

float spectral_flux(std::span<const float> previous, std::span<const float> power) {
  const float before = inverse_sum_of_magnitudes(previous), now = inverse_sum_of_magnitudes(power);
  return sum_of(power.size(), [&](std::size_t i) {
    const float difference = now * std::sqrt(power[i]) - before * std::sqrt(previous[i]);
    return difference * difference;
  });
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
  column_medians(scratch.by_frame.data(), frames, band_stride, scratch.over_time.data());
  transpose(scratch.by_frame.data(), band_stride, frame_stride, scratch.by_band.data());
  column_medians(scratch.by_band.data(), bands, frame_stride, scratch.by_frame.data());
  transpose(scratch.by_frame.data(), frame_stride, band_stride, scratch.over_frequency.data());

  for (std::size_t t = 0; t < frames; ++t) {
    const float* harmonic = scratch.over_time.data() + t * band_stride;
    const float* percussive = scratch.over_frequency.data() + t * band_stride;
    const auto row = mask.row(t);
    for (std::size_t b = 0; b < bands; ++b) {
      const float larger = std::max(harmonic[b], percussive[b]);
      const float scale = larger < std::numeric_limits<float>::min() ? 0.0F : 1 / larger;
      const float h = harmonic[b] * scale, p = percussive[b] * scale, sum = h * h + p * p;
      row[b] = sum > 0 ? h * h / sum : 0.5F;
    }
  }
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
                 .median = median(series, scratch),
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
