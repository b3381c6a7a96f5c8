// The sums of blas.hpp in double over rows of floats.
#include <cmath>
#include <limits>

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

float dot_in_float(const float* a, const float* b, std::size_t count) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto first = hn::Zero(d), second = first, third = first, fourth = first;
  std::size_t j = 0;
  for (; j + 4 * lanes <= count; j += 4 * lanes) {
    first = hn::MulAdd(hn::LoadU(d, a + j), hn::LoadU(d, b + j), first);
    second = hn::MulAdd(hn::LoadU(d, a + j + lanes), hn::LoadU(d, b + j + lanes), second);
    third = hn::MulAdd(hn::LoadU(d, a + j + 2 * lanes), hn::LoadU(d, b + j + 2 * lanes), third);
    fourth = hn::MulAdd(hn::LoadU(d, a + j + 3 * lanes), hn::LoadU(d, b + j + 3 * lanes), fourth);
  }
  for (; j + lanes <= count; j += lanes) first = hn::MulAdd(hn::LoadU(d, a + j), hn::LoadU(d, b + j), first);
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(first, second), hn::Add(third, fourth))));
  for (; j < count; ++j) sum += a[j] * b[j];
  return sum;
}

// Lower (kSign = -1) and upper bounds of points j, j + 1 ...; all terms are read only where they have a share.
template <int kSign, class D>
HWY_INLINE hn::Vec<D> bound_of(D d, const blas::DistanceTerms& terms, const float* product,
                               const blas::DistanceBounds& bounds, std::size_t j) {
  const auto norms = hn::LoadU(d, terms.norm + j);
  const auto value = hn::NegMulAdd(hn::Set(d, bounds.factor), hn::LoadU(d, product + j), norms);
  auto bound = hn::MulAdd(hn::Set(d, kSign * bounds.of_norm), norms, value);
  if (bounds.of_length == 0) return bound;
  bound = hn::MulAdd(hn::Set(d, kSign * bounds.of_length), hn::LoadU(d, terms.length + j), bound);
  return hn::MulAdd(hn::Set(d, kSign * bounds.of_rest), hn::LoadU(d, terms.rest + j), bound);
}

std::size_t find_within(const blas::DistanceTerms& terms, const float* product, std::size_t count,
                        const blas::DistanceBounds& bounds, float threshold, std::uint32_t* found) {
  const hn::ScalableTag<float> d;
  const hn::ScalableTag<std::uint32_t> indices;
  std::size_t j = 0, number = 0;
  for (; j + hn::Lanes(d) <= count; j += hn::Lanes(d)) {
    const auto is_within = hn::Le(bound_of<-1>(d, terms, product, bounds, j), hn::Set(d, threshold));
    if (hn::AllFalse(d, is_within)) continue;
    // A compressing store would not write beyond the end, but takes a hundred cycles on some processors.
    const auto mask = hn::RebindMask(indices, is_within);
    hn::StoreU(hn::Compress(hn::Iota(indices, static_cast<std::uint32_t>(j)), mask), indices, found + number);
    number += hn::CountTrue(indices, mask);
  }
  const hn::CappedTag<float, 1> one;
  for (; j < count; ++j)
    if (hn::GetLane(bound_of<-1>(one, terms, product, bounds, j)) <= threshold)
      found[number++] = static_cast<std::uint32_t>(j);
  return number;
}

void least_upper_bounds(const blas::DistanceTerms& terms, const float* product, std::size_t count,
                        const blas::DistanceBounds& bounds, float* least) {
  const hn::ScalableTag<float> d;
  for (std::size_t group = 0; group < blas::kBoundGroups; group += hn::Lanes(d)) {
    auto lowest = hn::Set(d, std::numeric_limits<float>::infinity());
    for (std::size_t j = group; j + hn::Lanes(d) <= count; j += blas::kBoundGroups)
      lowest = hn::Min(lowest, bound_of<1>(d, terms, product, bounds, j));
    hn::StoreU(lowest, d, least + group);
  }
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
HWY_EXPORT(dot_in_float);
HWY_EXPORT(find_within);
HWY_EXPORT(least_upper_bounds);

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
float dot_in_float(std::span<const float> a, const float* b) {
  return HWY_DYNAMIC_DISPATCH(dot_in_float)(a.data(), b, a.size());
}
std::size_t find_within(const DistanceTerms& terms, std::span<const float> product, const DistanceBounds& bounds,
                        float threshold, std::uint32_t* found) {
  return HWY_DYNAMIC_DISPATCH(find_within)(terms, product.data(), product.size(), bounds, threshold, found);
}
std::array<float, kBoundGroups> least_upper_bounds(const DistanceTerms& terms, std::span<const float> product,
                                                   const DistanceBounds& bounds) {
  std::array<float, kBoundGroups> least;
  HWY_DYNAMIC_DISPATCH(least_upper_bounds)(terms, product.data(), product.size(), bounds, least.data());
  return least;
}

}  // namespace blas
}  // namespace genrewise
#endif
