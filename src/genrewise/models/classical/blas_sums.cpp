// The sums of blas.hpp in double over rows of floats.
#include <cmath>

#include "genrewise/models/classical/blas.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/classical/blas_sums.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Doubles = hn::ScalableTag<double>;
using One = hn::CappedTag<double, 1>;

template <class D>
HWY_INLINE hn::Vec<D> load(D d, const float* from) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), from));
}
template <class D>
HWY_INLINE hn::Vec<D> load(D d, const double* from) {
  return hn::LoadU(d, from);
}

// Calls body(tag, j) for vectors of entries j, and for the single ones that remain.
template <class Body>
HWY_INLINE void for_vectors(std::size_t count, std::size_t j, const Body& body) {
  for (; j + hn::Lanes(Doubles()) <= count; j += hn::Lanes(Doubles())) body(Doubles(), j);
  for (; j < count; ++j) body(One(), j);
}

// The sum of term(tag, j); two sums at once, because additions have a latency of several cycles.
template <class Term>
HWY_INLINE double sum_of(std::size_t count, const Term& term) {
  const Doubles d;
  const std::size_t lanes = hn::Lanes(d);
  auto even = hn::Zero(d), odd = even;
  std::size_t j = 0;
  for (; j + 2 * lanes <= count; j += 2 * lanes) {
    even = hn::Add(even, term(d, j));
    odd = hn::Add(odd, term(d, j + lanes));
  }
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
  for (; j < count; ++j) sum += hn::GetLane(term(One(), j));
  return sum;
}

template <class Other>
double dot(const float* a, const Other* b, std::size_t count) {
  return sum_of(count, [&](auto d, std::size_t j) HWY_ATTR { return hn::Mul(load(d, a + j), load(d, b + j)); });
}
double dot_of_floats(const float* a, const float* b, std::size_t count) {
  return dot(a, b, count);
}
double dot_with_doubles(const float* a, const double* b, std::size_t count) {
  return dot(a, b, count);
}

double squared_distance(const float* a, const float* b, std::size_t count) {
  return sum_of(count, [&](auto d, std::size_t j) HWY_ATTR {
    const auto difference = hn::Sub(load(d, a + j), load(d, b + j));
    return hn::Mul(difference, difference);
  });
}

double manhattan_distance(const float* a, const float* b, std::size_t count) {
  return sum_of(count,
                [&](auto d, std::size_t j) HWY_ATTR { return hn::Abs(hn::Sub(load(d, a + j), load(d, b + j))); });
}

double scaled_squared_distance(const float* row, const double* mean, const double* factor, std::size_t count) {
  return sum_of(count, [&](auto d, std::size_t j) HWY_ATTR {
    const auto difference = hn::Sub(load(d, row + j), load(d, mean + j));
    return hn::Mul(hn::Mul(difference, difference), load(d, factor + j));
  });
}

void add(double factor, const float* row, std::size_t count, double* sum) {
  for_vectors(count, 0, [&](auto d, std::size_t j) HWY_ATTR {
    hn::StoreU(hn::MulAdd(hn::Set(d, factor), load(d, row + j), load(d, sum + j)), d, sum + j);
  });
}

void add_squared_differences(const float* row, const double* mean, std::size_t count, double* sum) {
  for_vectors(count, 0, [&](auto d, std::size_t j) HWY_ATTR {
    const auto difference = hn::Sub(load(d, row + j), load(d, mean + j));
    hn::StoreU(hn::MulAdd(difference, difference, load(d, sum + j)), d, sum + j);
  });
}

std::size_t find_within(const float* norm, const float* product, std::size_t count, float error, float threshold,
                        std::uint32_t* found) {
  const hn::ScalableTag<float> d;
  const hn::ScalableTag<std::uint32_t> indices;
  const auto two = hn::Set(d, 2.0f), share = hn::Set(d, error), limit = hn::Set(d, threshold);
  std::size_t j = 0, number = 0;
  for (; j + hn::Lanes(d) <= count; j += hn::Lanes(d)) {
    const auto norms = hn::LoadU(d, norm + j);
    const auto value = hn::NegMulAdd(two, hn::LoadU(d, product + j), norms);
    const auto is_within = hn::Le(hn::NegMulAdd(share, norms, value), limit);
    if (hn::AllFalse(d, is_within)) continue;
    // A compressing store would not write beyond the end, but takes a hundred cycles on some processors.
    const auto mask = hn::RebindMask(indices, is_within);
    hn::StoreU(hn::Compress(hn::Iota(indices, static_cast<std::uint32_t>(j)), mask), indices, found + number);
    number += hn::CountTrue(indices, mask);
  }
  for (; j < count; ++j)
    if (norm[j] - 2 * product[j] - error * norm[j] <= threshold) found[number++] = static_cast<std::uint32_t>(j);
  return number;
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(dot_of_floats);
HWY_EXPORT(dot_with_doubles);
HWY_EXPORT(squared_distance);
HWY_EXPORT(manhattan_distance);
HWY_EXPORT(scaled_squared_distance);
HWY_EXPORT(add);
HWY_EXPORT(add_squared_differences);
HWY_EXPORT(find_within);

namespace blas {

double dot(std::span<const float> a, std::span<const float> b) {
  return HWY_DYNAMIC_DISPATCH(dot_of_floats)(a.data(), b.data(), a.size());
}
double dot(std::span<const float> a, const double* b) {
  return HWY_DYNAMIC_DISPATCH(dot_with_doubles)(a.data(), b, a.size());
}
double squared_distance(std::span<const float> a, const float* b) {
  return HWY_DYNAMIC_DISPATCH(squared_distance)(a.data(), b, a.size());
}
double manhattan_distance(std::span<const float> a, const float* b) {
  return HWY_DYNAMIC_DISPATCH(manhattan_distance)(a.data(), b, a.size());
}
double scaled_squared_distance(std::span<const float> row, const double* mean, const double* factor) {
  return HWY_DYNAMIC_DISPATCH(scaled_squared_distance)(row.data(), mean, factor, row.size());
}
void add(double factor, std::span<const float> row, double* sum) {
  HWY_DYNAMIC_DISPATCH(add)(factor, row.data(), row.size(), sum);
}
void add_squared_differences(std::span<const float> row, const double* mean, double* sum) {
  HWY_DYNAMIC_DISPATCH(add_squared_differences)(row.data(), mean, row.size(), sum);
}
std::size_t find_within(const float* squared_norm, std::span<const float> product, float error, float threshold,
                        std::uint32_t* found) {
  return HWY_DYNAMIC_DISPATCH(find_within)(squared_norm, product.data(), product.size(), error, threshold, found);
}

}  // namespace blas
}  // namespace genrewise
#endif
