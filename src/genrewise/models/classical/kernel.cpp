#include "genrewise/models/classical/kernel.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/classical/kernel.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Floats>;

Vector power(Vector base, int exponent) {
  Vector result = hn::Set(Floats(), 1.0f);
  for (; exponent > 0; exponent /= 2, base = hn::Mul(base, base))
    if (exponent % 2 == 1) result = hn::Mul(result, base);
  return result;
}

// `value` of an argument, NaN where the argument is: of huge numbers. Highway's functions have finite values there.
Vector or_nan(Vector argument, Vector value) {
  return hn::IfThenElse(hn::Eq(argument, argument), value, argument);
}

// body(products, squared norms) for all values of a row, in place. The last, incomplete vector uses the same
// instructions, so that a value does not depend on its position.
template <class Body>
HWY_INLINE void for_values(const float* squared_norm, std::size_t count, float* row, const Body& body) {
  const Floats d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d))
    hn::StoreU(body(hn::LoadU(d, row + i), hn::LoadU(d, squared_norm + i)), d, row + i);
  if (i == count) return;
  float values[16] = {}, norms[16] = {};
  std::copy(row + i, row + count, values);
  std::copy(squared_norm + i, squared_norm + count, norms);
  hn::StoreU(body(hn::LoadU(d, values), hn::LoadU(d, norms)), d, values);
  std::copy_n(values, count - i, row + i);
}

// Converts the products of one row of a with `count` rows of b to kernel values.
void apply(const Kernel& kernel, float a_squared_norm, const float* b_squared_norm, std::size_t count, float* row) {
  const Floats d;
  const Vector gamma = hn::Set(d, static_cast<float>(kernel.gamma)), own = hn::Set(d, a_squared_norm);
  const Vector coef0 = hn::Set(d, static_cast<float>(kernel.coef0)), two = hn::Set(d, 2.0f);
  switch (kernel.kind) {
    case KernelKind::linear:
      return;
    case KernelKind::poly:
      return for_values(b_squared_norm, count, row, [&](Vector products, Vector) HWY_ATTR {
        return power(hn::MulAdd(gamma, products, coef0), kernel.degree);
      });
    case KernelKind::rbf:
      return for_values(b_squared_norm, count, row, [&](Vector products, Vector norms) HWY_ATTR {
        const Vector squared = hn::NegMulAdd(two, products, hn::Add(own, norms));
        return or_nan(squared, hn::Exp(d, hn::Neg(hn::Mul(gamma, hn::Max(squared, hn::Zero(d))))));
      });
    case KernelKind::sigmoid:
      return for_values(b_squared_norm, count, row, [&](Vector products, Vector) HWY_ATTR {
        const Vector argument = hn::MulAdd(gamma, products, coef0);
        return or_nan(argument, hn::Tanh(d, argument));
      });
  }
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

using blas::Form;
using blas::View;

HWY_EXPORT(apply);

std::vector<float> squared_norms(const Matrix& rows) {
  std::vector<float> norms(rows.rows());
  constexpr std::size_t kBlock = 512;
  blas::for_blocks(rows.rows(), kBlock, [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i)
      norms[i] = static_cast<float>(blas::dot(rows.row(i), rows.row(i)));
  });
  return norms;
}

void apply_kernel(const Kernel& kernel, std::span<const float> a_squared_norm, std::span<const float> b_squared_norm,
                  View<float> out) {
  if (kernel.kind == KernelKind::linear) return;
  const auto apply_to_row = HWY_DYNAMIC_DISPATCH(apply);
  for (std::size_t i = 0; i < out.rows; ++i)
    apply_to_row(kernel, a_squared_norm[i], b_squared_norm.data(), out.cols, out.data + i * out.stride);
}

void kernel_block(const Kernel& kernel, const KernelPoints& a, const KernelPoints& b, View<float> out) {
  blas::multiply(Form::nt, 1.0f, a.rows, b.rows, 0.0f, out);
  apply_kernel(kernel, a.squared_norm, b.squared_norm, out);
}

CachedPairKernel::CachedPairKernel(const Kernel& kernel, const KernelPoints& first, const KernelPoints& second,
                                   std::size_t bytes)
    : kernel_(kernel), first_(first), second_(second) {
  const std::size_t n = first.rows.rows + second.rows.rows;
  diagonal_.resize(n);
  for (std::size_t i = 0; i < n; ++i) kernel_block(kernel_, point(i), point(i), View<float>(&diagonal_[i], 1, 1));
  rows_.resize(n);
  most_ = std::max<std::size_t>(3, bytes / (n * sizeof(float)));
}

KernelPoints CachedPairKernel::point(std::size_t i) const {
  const bool in_first = i < first_.rows.rows;
  const KernelPoints& points = in_first ? first_ : second_;
  const std::size_t at = in_first ? i : i - first_.rows.rows;
  return {points.rows.rows_from(at, 1), points.squared_norm.subspan(at, 1)};
}

void CachedPairKernel::compute(std::size_t i, float* out) const {
  constexpr std::size_t kBlock = 1024;
  const KernelPoints own = point(i);
  for (const KernelPoints* points : {&first_, &second_}) {
    blas::for_blocks(points->rows.rows, kBlock, [&](std::size_t at, std::size_t count) {
      kernel_block(kernel_, own, {points->rows.rows_from(at, count), points->squared_norm.subspan(at, count)},
                   View<float>(out + at, 1, count));
    });
    out += points->rows.rows;
  }
}

PairKernel::Row CachedPairKernel::row(std::size_t i) {
  std::vector<float>& values = rows_[i].values;
  if (!values.empty()) {
    by_age_.splice(by_age_.begin(), by_age_, rows_[i].place);
  } else {
    if (by_age_.size() == most_) {
      values.swap(rows_[by_age_.back()].values);
      by_age_.pop_back();
    }
    values.resize(rows_.size());
    compute(i, values.data());
    rows_[i].place = by_age_.insert(by_age_.begin(), i);
  }
  return {values.data(), values.data() + first_.rows.rows};
}

}  // namespace genrewise
#endif
