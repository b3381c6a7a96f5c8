#include "genrewise/dsp/fft.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <thread>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/random.hpp"

namespace genrewise {
namespace {

using Spectrum = AlignedVector<std::complex<float>>;

AlignedVector<float> noise(std::size_t size, std::uint64_t seed) {
  Rng rng(seed);
  AlignedVector<float> samples(size);
  for (float& sample : samples) sample = static_cast<float>(2 * rng.uniform() - 1);
  return samples;
}

std::complex<double> defining_sum(const AlignedVector<float>& samples, std::size_t k) {
  std::complex<double> sum = 0;
  for (std::size_t n = 0; n < samples.size(); ++n) {
    const double turn = static_cast<double>(k * n % samples.size()) / static_cast<double>(samples.size());
    sum += static_cast<double>(samples[n]) * std::polar(1.0, -2 * std::numbers::pi * turn);
  }
  return sum;
}

// Rounding of a float FFT grows with sqrt(size) for noise of unit size; 1e-6 of that is about 8 ulp.
double rounding(std::size_t size) {
  return 1e-6 * std::sqrt(static_cast<double>(size)) * 4;
}

TEST(RealFft, EqualsTheDefiningSum) {
  for (std::size_t size : {1, 2, 3, 16, 15, 100, 2048}) {
    const RealFft fft(size);
    const auto samples = noise(size, size);
    Spectrum spectrum(fft.bins());
    fft.forward(samples.data(), spectrum.data());
    for (std::size_t k = 0; k < fft.bins(); ++k) {
      const std::complex<double> expected = defining_sum(samples, k);
      EXPECT_NEAR(spectrum[k].real(), expected.real(), rounding(size)) << size << " bin " << k;
      EXPECT_NEAR(spectrum[k].imag(), expected.imag(), rounding(size)) << size << " bin " << k;
    }
  }
}

TEST(RealFft, InverseUndoesForwardTimesTheSize) {
  const RealFft fft(512);
  const auto samples = noise(512, 7);
  Spectrum spectrum(fft.bins());
  AlignedVector<float> back(512);
  fft.forward(samples.data(), spectrum.data());
  fft.inverse(spectrum.data(), back.data());
  for (std::size_t i = 0; i < 512; ++i) EXPECT_NEAR(back[i] / 512, samples[i], 1e-6f);
}

TEST(RealFft, PreservesItsInputAndIsBitIdenticalEachTime) {
  const auto samples = noise(2048, 3);
  auto copy = samples;
  const RealFft one(2048), other(2048);
  Spectrum a(one.bins()), b(one.bins());
  one.forward(copy.data(), a.data());
  other.forward(copy.data(), b.data());
  EXPECT_EQ(copy, samples);
  EXPECT_EQ(a, b);
}

TEST(RealFft, ServesSeveralThreadsAtOnce) {
  const RealFft fft(1024);
  const auto samples = noise(1024, 9);
  Spectrum expected(fft.bins());
  fft.forward(samples.data(), expected.data());
  std::vector<Spectrum> results(4, Spectrum(fft.bins()));
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) {
      threads.emplace_back([&] {
        const RealFft own(1024);  // planning at the same time as others execute
        for (int i = 0; i < 20; ++i) fft.forward(samples.data(), result.data());
      });
    }
  }
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

TEST(RealFft, RefusesSizeZero) {
  EXPECT_THROW(RealFft(0), Error);
}

}  // namespace
}  // namespace genrewise
