#include "genrewise/models/classical/short_product.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace genrewise {
namespace {

constexpr double kLongest = 46340;  // its square fits into 32 bits
constexpr double kLargest = 32767;
constexpr double kFarthest = 1e15;       // norms whose squares are within the range of float
constexpr double kRoundedUp = 1 + 1e-6;  // more than the rounding from double to float
constexpr std::size_t kLanes = 16;       // independent sums, which allow vectorisation
constexpr std::size_t kPanelsAtOnce = 8;

/// Quantises one row at a time, less the centre.
class Shortener {
 public:
  Shortener(std::span<const float> centre, double unit)
      : centre_(centre),
        unit_(unit),
        width_((centre.size() + kLanes - 1) / kLanes * kLanes),
        difference_(width_),
        whole_(width_) {}

  void shorten(const float* row, ShortRows& out, std::size_t index) {
    const double length = measure(row);
    if (!(length * unit_ < kFarthest)) {
      out.error[index] = std::numeric_limits<float>::infinity();
      return;
    }
    if (length == 0) return;
    const double rounding = std::sqrt(static_cast<double>(centre_.size())) / 2 + 1;
    const double scale = std::min((kLongest - rounding) / length, kLargest / largest_ * (1 - 1e-6));
    const auto step = static_cast<float>(unit_ / scale);
    if (step < std::numeric_limits<float>::min()) {  // negligible relative to the other rows
      out.error[index] = static_cast<float>(length * unit_ * kRoundedUp) + std::numeric_limits<float>::min();
      return;
    }
    round(scale, static_cast<double>(step) / unit_);
    out.step[index] = step;
    out.error[index] = static_cast<float>(std::sqrt(squared_error_) * unit_ * kRoundedUp);
    out.squared_norm[index] =
        static_cast<float>(squared_whole_ * static_cast<double>(step) * static_cast<double>(step));
    std::int16_t* to = out.values.get() + index / out.height * out.pairs * out.height * 2 + index % out.height * 2;
    for (std::size_t pair = 0; pair < out.pairs; ++pair, to += out.height * 2) {
      to[0] = whole_[2 * pair];
      to[1] = whole_[2 * pair + 1];
    }
  }

 private:
  double measure(const float* row) {
    for (std::size_t j = 0; j < centre_.size(); ++j)
      difference_[j] = static_cast<double>(row[j]) - static_cast<double>(centre_[j]);
    double squares[kLanes] = {}, largest[kLanes] = {};
    for (std::size_t j = 0; j < width_; j += kLanes)
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const double value = difference_[j + lane];
        squares[lane] += value * value;
        largest[lane] = std::abs(value) > largest[lane] ? std::abs(value) : largest[lane];
      }
    double sum = 0;
    for (double square : squares) sum += square;
    largest_ = *std::ranges::max_element(largest);
    return std::sqrt(sum);
  }

  void round(double scale, double step) {
    double errors[kLanes] = {}, wholes[kLanes] = {};
    for (std::size_t j = 0; j < width_; j += kLanes)
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const double whole = std::nearbyint(difference_[j + lane] * scale);
        const double error = difference_[j + lane] - step * whole;
        errors[lane] += error * error;
        wholes[lane] += whole * whole;
        whole_[j + lane] = static_cast<std::int16_t>(static_cast<std::int32_t>(whole));
      }
    squared_error_ = squared_whole_ = 0;
    for (double error : errors) squared_error_ += error;
    for (double whole : wholes) squared_whole_ += whole;
  }

  std::span<const float> centre_;
  double unit_;
  std::size_t width_;
  std::vector<double> difference_;  // zeros at the end
  std::vector<std::int16_t> whole_;
  double largest_ = 0, squared_error_ = 0, squared_whole_ = 0;
};

}  // namespace

ShortRows shorten(blas::View<const float> rows, std::span<const float> centre, double unit, std::size_t height) {
  ShortRows out;
  out.rows = rows.rows;
  out.height = height;
  out.pairs = (rows.cols + 1) / 2;
  const std::size_t filled = out.panels() * height;
  // Not zeroed here: the threads that write a block also allocate its memory pages, which takes as long as the writing.
  out.values = std::make_shared_for_overwrite<std::int16_t[]>(filled * out.pairs * 2);
  out.step.resize(filled);
  out.error.resize(filled);
  out.squared_norm.resize(filled);
  blas::for_blocks(rows.rows, kPanelsAtOnce * height, [&](std::size_t first, std::size_t count) {
    Shortener shortener(centre, unit);
    const std::size_t end = (first + count + height - 1) / height * height;
    std::fill(out.values.get() + first * out.pairs * 2, out.values.get() + end * out.pairs * 2, std::int16_t{0});
    for (std::size_t i = first; i < first + count; ++i) shortener.shorten(rows.data + i * rows.stride, out, i);
  });
  return out;
}

#ifdef __AVX2__

// The sums are separate variables because GCC keeps an array of them in memory.
void multiply_short(const std::int16_t* queries, const std::int16_t* points, std::size_t pairs,
                    std::int32_t* products) {
  __m256i low0 = _mm256_setzero_si256(), high0 = low0, low1 = low0, high1 = low0, low2 = low0, high2 = low0;
  __m256i low3 = low0, high3 = low0, low4 = low0, high4 = low0, low5 = low0, high5 = low0;
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    const auto* at = reinterpret_cast<const __m256i*>(points);
    const __m256i low = _mm256_loadu_si256(at), high = _mm256_loadu_si256(at + 1);
    const auto add = [&](std::size_t query, __m256i& low_sum, __m256i& high_sum) {
      std::int32_t columns;
      __builtin_memcpy(&columns, queries + 2 * query, sizeof columns);
      const __m256i both = _mm256_set1_epi32(columns);
      low_sum = _mm256_add_epi32(low_sum, _mm256_madd_epi16(both, low));
      high_sum = _mm256_add_epi32(high_sum, _mm256_madd_epi16(both, high));
      asm("" : "+x"(low_sum), "+x"(high_sum));  // one query after the other, otherwise there are too few registers
    };
    add(0, low0, high0);
    add(1, low1, high1);
    add(2, low2, high2);
    add(3, low3, high3);
    add(4, low4, high4);
    add(5, low5, high5);
    queries += kShortQueries * 2;
    points += kShortPoints * 2;
  }
  const auto store = [&](std::size_t query, __m256i low_sum, __m256i high_sum) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(products + query * kShortPoints), low_sum);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(products + query * kShortPoints + 8), high_sum);
  };
  store(0, low0, high0);
  store(1, low1, high1);
  store(2, low2, high2);
  store(3, low3, high3);
  store(4, low4, high4);
  store(5, low5, high5);
}

#else

void multiply_short(const std::int16_t* queries, const std::int16_t* points, std::size_t pairs,
                    std::int32_t* products) {
  std::fill(products, products + kShortQueries * kShortPoints, 0);
  for (std::size_t pair = 0; pair < pairs; ++pair, queries += kShortQueries * 2, points += kShortPoints * 2)
    for (std::size_t i = 0; i < kShortQueries; ++i)
      for (std::size_t j = 0; j < kShortPoints; ++j)
        products[i * kShortPoints + j] += queries[2 * i] * points[2 * j] + queries[2 * i + 1] * points[2 * j + 1];
}

#endif

}  // namespace genrewise
