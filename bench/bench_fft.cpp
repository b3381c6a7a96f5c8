// Speed of the FFT behind dsp/fft.hpp (FFTW, or Eigen's in builds without GPL parts), and its greatest error relative
// to the root mean square of the spectrum, against the defining sum in long double.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/dsp/fft.hpp"

namespace {

using namespace genrewise;

template <class Real>
double error_of(const AlignedVector<Real>& samples, const AlignedVector<std::complex<Real>>& spectrum) {
  long double greatest = 0, squares = 0;
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    std::complex<long double> sum = 0;
    for (std::size_t n = 0; n < samples.size(); ++n) {
      const auto turn = static_cast<long double>(k * n % samples.size()) / static_cast<long double>(samples.size());
      sum += static_cast<long double>(samples[n]) * std::polar(1.0L, -2 * std::numbers::pi_v<long double> * turn);
    }
    greatest = std::max(greatest, std::abs(sum - std::complex<long double>(spectrum[k])));
    squares += std::norm(sum);
  }
  return static_cast<double>(greatest / std::sqrt(squares / static_cast<long double>(spectrum.size())));
}

template <class Real>
void forward(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const BasicRealFft<Real> fft(size);
  Rng rng(1);
  AlignedVector<Real> samples(size);
  for (Real& sample : samples) sample = static_cast<Real>(2 * rng.uniform() - 1);
  AlignedVector<std::complex<Real>> spectrum(fft.bins());
  for (auto _ : state) {
    fft.forward(samples.data(), spectrum.data());
    benchmark::DoNotOptimize(spectrum.data());
  }
  state.counters["error"] = error_of(samples, spectrum);
}

BENCHMARK(forward<float>)->Arg(512)->Arg(768)->Arg(2048);
BENCHMARK(forward<double>)->Arg(1024)->Arg(2048)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
