#include "genrewise/dsp/fft.hpp"

#include <fftw3.h>

#include <mutex>
#include <string>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/aligned.hpp"

namespace genrewise {
namespace {

// FFTW's planner shares state between all plans; only executing them is safe from several threads.
std::mutex& planner_mutex() {
  static std::mutex mutex;
  return mutex;
}

fftwf_complex* as_fftw(std::complex<float>* values) {
  return reinterpret_cast<fftwf_complex*>(values);
}

}  // namespace

struct RealFft::Plans {
  fftwf_plan forward = nullptr, inverse = nullptr;
  ~Plans() {
    const std::lock_guard lock(planner_mutex());
    if (forward) fftwf_destroy_plan(forward);
    if (inverse) fftwf_destroy_plan(inverse);
  }
};

RealFft::RealFft(std::size_t size) : size_(size), plans_(std::make_unique<Plans>()) {
  if (size == 0) throw Error("the size of an FFT must be at least 1", "RealFft");
  AlignedVector<float> samples(size);
  AlignedVector<std::complex<float>> spectrum(bins());
  const int n = static_cast<int>(size);
  {
    const std::lock_guard lock(planner_mutex());
    // Not FFTW_MEASURE: what it chooses depends on how busy the machine is, and the last bits with it.
    plans_->forward = fftwf_plan_dft_r2c_1d(n, samples.data(), as_fftw(spectrum.data()), FFTW_ESTIMATE);
    plans_->inverse = fftwf_plan_dft_c2r_1d(n, as_fftw(spectrum.data()), samples.data(), FFTW_ESTIMATE);
  }
  if (!plans_->forward || !plans_->inverse) throw Error("FFTW cannot plan an FFT of size " + std::to_string(size));
}

RealFft::~RealFft() = default;
RealFft::RealFft(RealFft&&) noexcept = default;
RealFft& RealFft::operator=(RealFft&&) noexcept = default;

void RealFft::forward(const float* in, std::complex<float>* out) const {
  // Out of place, one-dimensional real-to-complex plans keep their input (FFTW manual, "planner flags").
  fftwf_execute_dft_r2c(plans_->forward, const_cast<float*>(in), as_fftw(out));
}

void RealFft::forward_many(std::size_t count, const float* in, std::size_t in_stride, std::complex<float>* out,
                           std::size_t out_stride) const {
  for (std::size_t i = 0; i < count; ++i) forward(in + i * in_stride, out + i * out_stride);
}

void RealFft::inverse(std::complex<float>* in, float* out) const {
  fftwf_execute_dft_c2r(plans_->inverse, as_fftw(in), out);
}

}  // namespace genrewise
