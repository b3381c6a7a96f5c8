// The discrete Fourier transform of real signals (FFTW), in single and double precision.
#pragma once

#include <complex>
#include <cstddef>
#include <memory>

namespace genrewise {

/// X[k] = sum over n of x[n] exp(-2 pi i k n / size), k = 0 .. size / 2, unscaled. Immutable: one object serves all
/// threads. Its plan depends on nothing but the size and the machine, so the same input gives the same bits.
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

  /// size() numbers in, bins() values out. Both pointers lie on 64-byte borders (AlignedVector) and do not overlap;
  /// the input is kept.
  void forward(const Real* in, std::complex<Real>* out) const;
  /// size() times the signal whose transform `in` is: the inverse without its 1 / size. Destroys `in`.
  void inverse(std::complex<Real>* in, Real* out) const;

 private:
  struct Plans;
  std::size_t size_;
  std::unique_ptr<Plans> plans_;
};

using RealFft = BasicRealFft<float>;
using RealFft64 = BasicRealFft<double>;

}  // namespace genrewise
