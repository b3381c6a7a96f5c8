// The discrete Fourier transform of real signals (FFTW), in single and double precision.
#pragma once

#include <complex>
#include <cstddef>
#include <memory>

namespace genrewise {

/// X[k] = sum over n of x[n] exp(-2 pi i k n / size), k = 0 .. size / 2, unscaled. Thread-safe. The plan depends only
/// on the size and the machine, so equal input gives bit-identical output.
template <class Real>
class BasicRealFft {
 public:
  /// Any size >= 1; fastest for products of small primes. Throws Error for 0.
  explicit BasicRealFft(std::size_t size);
  ~BasicRealFft();
  BasicRealFft(BasicRealFft&&) noexcept;
  BasicRealFft& operator=(BasicRealFft&&) noexcept;

  std::size_t size() const { return size_; }
  std::size_t bins() const { return size_ / 2 + 1; }

  /// Transforms size() samples to bins() values. Both pointers are 64-byte aligned (AlignedVector) and do not overlap;
  /// the input is preserved.
  void forward(const Real* in, std::complex<Real>* out) const;
  /// Unscaled inverse: size() times the signal with the transform `in`. Overwrites `in`.
  void inverse(std::complex<Real>* in, Real* out) const;

 private:
  struct Plans;
  std::size_t size_;
  std::unique_ptr<Plans> plans_;
};

using RealFft = BasicRealFft<float>;
using RealFft64 = BasicRealFft<double>;

}  // namespace genrewise
