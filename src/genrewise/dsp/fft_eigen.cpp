// For builds without GPL parts: Eigen's port of KISS FFT (MPL-2.0), which has both precisions and, unlike KISS FFT's
// own C++ class, twiddle factors that are rounded once.
#include <algorithm>
#include <string>
#include <unsupported/Eigen/FFT>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/fft.hpp"

namespace genrewise {

template <class Real>
struct BasicRealFft<Real>::Plans {
  // Its plans and buffers change while it is used.
  static Eigen::FFT<Real>& of_this_thread() {
    using Fft = Eigen::FFT<Real>;
    thread_local Fft fft(typename Fft::impl_type(), static_cast<typename Fft::Flag>(Fft::HalfSpectrum | Fft::Unscaled));
    return fft;
  }
};

template <class Real>
BasicRealFft<Real>::BasicRealFft(std::size_t size) : size_(size) {
  if (size == 0) throw Error("the size of an FFT must be at least 1", "RealFft", "choose a positive size");
  if (size > std::size_t{1} << 30)
    throw Error("cannot plan an FFT of size " + std::to_string(size), "RealFft", "choose a smaller size");
}

template <class Real>
BasicRealFft<Real>::~BasicRealFft() = default;
template <class Real>
BasicRealFft<Real>::BasicRealFft(BasicRealFft&&) noexcept = default;
template <class Real>
BasicRealFft<Real>& BasicRealFft<Real>::operator=(BasicRealFft&&) noexcept = default;

// Eigen reads outside its buffers for size 1.
template <class Real>
void BasicRealFft<Real>::forward(const Real* in, std::complex<Real>* out) const {
  if (size_ == 1) {
    *out = *in;
  } else {
    Plans::of_this_thread().fwd(out, in, static_cast<Eigen::Index>(size_));
  }
}

template <class Real>
void BasicRealFft<Real>::inverse(std::complex<Real>* in, Real* out) const {
  if (size_ == 1) {
    *out = in->real();
  } else {
    Plans::of_this_thread().inv(out, in, static_cast<Eigen::Index>(size_));
  }
}

template class BasicRealFft<float>;
template class BasicRealFft<double>;

}  // namespace genrewise
