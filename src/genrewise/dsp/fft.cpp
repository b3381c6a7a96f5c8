#include "genrewise/dsp/fft.hpp"

#include <fftw3.h>

#include <mutex>
#include <string>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

// FFTW's planner shares state between all plans; only executing them is safe from several threads.
std::mutex& planner_mutex() {
  static std::mutex mutex;
  return mutex;
}

// FFTW has one C interface per precision.
template <class Real>
struct Fftw;

template <>
struct Fftw<float> {
  using Plan = fftwf_plan;
  using Complex = fftwf_complex;
  static constexpr auto plan_forward = fftwf_plan_dft_r2c_1d;
  static constexpr auto plan_inverse = fftwf_plan_dft_c2r_1d;
  static constexpr auto forward = fftwf_execute_dft_r2c;
  static constexpr auto inverse = fftwf_execute_dft_c2r;
  static constexpr auto destroy = fftwf_destroy_plan;
};

template <>
struct Fftw<double> {
  using Plan = fftw_plan;
  using Complex = fftw_complex;
  static constexpr auto plan_forward = fftw_plan_dft_r2c_1d;
  static constexpr auto plan_inverse = fftw_plan_dft_c2r_1d;
  static constexpr auto forward = fftw_execute_dft_r2c;
  static constexpr auto inverse = fftw_execute_dft_c2r;
  static constexpr auto destroy = fftw_destroy_plan;
};

template <class Real>
typename Fftw<Real>::Complex* as_fftw(std::complex<Real>* values) {
  return reinterpret_cast<typename Fftw<Real>::Complex*>(values);
}

}  // namespace

template <class Real>
struct BasicRealFft<Real>::Plans {
  typename Fftw<Real>::Plan forward = nullptr, inverse = nullptr;
  ~Plans() {
    const std::lock_guard lock(planner_mutex());
    if (forward) Fftw<Real>::destroy(forward);
    if (inverse) Fftw<Real>::destroy(inverse);
  }
};

template <class Real>
BasicRealFft<Real>::BasicRealFft(std::size_t size) : size_(size), plans_(std::make_unique<Plans>()) {
  if (size == 0) throw Error("the size of an FFT must be at least 1", "RealFft", "choose a positive size");
  AlignedVector<Real> samples(size);
  AlignedVector<std::complex<Real>> spectrum(bins());
  const int n = static_cast<int>(size);
  {
    const std::lock_guard lock(planner_mutex());
    // Not FFTW_MEASURE: its choice, and with it the last bits, depends on the load of the machine.
    plans_->forward = Fftw<Real>::plan_forward(n, samples.data(), as_fftw(spectrum.data()), FFTW_ESTIMATE);
    plans_->inverse = Fftw<Real>::plan_inverse(n, as_fftw(spectrum.data()), samples.data(), FFTW_ESTIMATE);
  }
  if (!plans_->forward || !plans_->inverse)
    throw Error("FFTW cannot plan an FFT of size " + std::to_string(size), "RealFft", "choose a smaller size");
}

template <class Real>
BasicRealFft<Real>::~BasicRealFft() = default;
template <class Real>
BasicRealFft<Real>::BasicRealFft(BasicRealFft&&) noexcept = default;
template <class Real>
BasicRealFft<Real>& BasicRealFft<Real>::operator=(BasicRealFft&&) noexcept = default;

template <class Real>
void BasicRealFft<Real>::forward(const Real* in, std::complex<Real>* out) const {
  // Out of place, one-dimensional real-to-complex plans keep their input (FFTW manual, "planner flags").
  Fftw<Real>::forward(plans_->forward, const_cast<Real*>(in), as_fftw(out));
}

template <class Real>
void BasicRealFft<Real>::inverse(std::complex<Real>* in, Real* out) const {
  Fftw<Real>::inverse(plans_->inverse, as_fftw(in), out);
}

template class BasicRealFft<float>;
template class BasicRealFft<double>;

}  // namespace genrewise
