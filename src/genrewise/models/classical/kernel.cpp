#include "genrewise/models/classical/kernel.hpp"

#include <Eigen/Core>
#include <algorithm>

namespace genrewise {
namespace {

using blas::Form;
using blas::View;

// Values are computed in aligned blocks: on an unaligned row, Eigen would process single values up to the next aligned
// address, whose last bits differ from those of vector registers, and results would depend on memory addresses.
constexpr Eigen::Index kBlock = 64;
using Block = Eigen::Array<float, kBlock, 1>;

float power(float base, int exponent) {
  float result = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2 == 1) result *= base;
  return result;
}

/// Converts the products of one row of a with rows of b to kernel values.
void apply(const Kernel& kernel, float a_squared_norm, const Block& b_squared_norms, Block& values) {
  const auto gamma = static_cast<float>(kernel.gamma), coef0 = static_cast<float>(kernel.coef0);
  switch (kernel.kind) {
    case KernelKind::linear:
      return;
    case KernelKind::poly:
      values = values.unaryExpr([&](float value) { return power(gamma * value + coef0, kernel.degree); });
      return;
    case KernelKind::rbf:
      values = (-gamma * (a_squared_norm + b_squared_norms - 2 * values).max(0.0f)).exp();
      return;
    case KernelKind::sigmoid:
      values = (gamma * values + coef0).tanh();
      return;
  }
}

void apply(const Kernel& kernel, float a_squared_norm, std::span<const float> b_squared_norms, float* row) {
  Block norms = Block::Zero(), values = Block::Zero();
  for (std::size_t at = 0; at < b_squared_norms.size(); at += kBlock) {
    const std::size_t count = std::min<std::size_t>(kBlock, b_squared_norms.size() - at);
    std::copy_n(b_squared_norms.data() + at, count, norms.data());
    std::copy_n(row + at, count, values.data());
    apply(kernel, a_squared_norm, norms, values);
    std::copy_n(values.data(), count, row + at);
  }
}

}  // namespace

std::vector<float> squared_norms(const Matrix& rows) {
  std::vector<float> norms(rows.rows());
  for (std::size_t i = 0; i < rows.rows(); ++i) norms[i] = static_cast<float>(blas::dot(rows.row(i), rows.row(i)));
  return norms;
}

void apply_kernel(const Kernel& kernel, std::span<const float> a_squared_norm, std::span<const float> b_squared_norm,
                  View<float> out) {
  if (kernel.kind == KernelKind::linear) return;
  for (std::size_t i = 0; i < out.rows; ++i)
    apply(kernel, a_squared_norm[i], b_squared_norm.first(out.cols), out.data + i * out.stride);
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
