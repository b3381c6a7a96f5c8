#include "genrewise/dsp/tonality.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "genrewise/base/error.hpp"
#include "support/every_target.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kBins = 1025;

// A peak whose parabola has its maximum at the (fractional) bin, sampled at three bins.
void add_peak(std::vector<float>& spectrum, double bin, float height) {
  const auto middle = static_cast<std::size_t>(std::lround(bin));
  for (std::size_t i = middle - 1; i <= middle + 1; ++i) {
    const double away = static_cast<double>(i) - bin;
    spectrum[i] = static_cast<float>(height * (1 - 0.3 * away * away));
  }
}

double bin_of(double frequency_hz, int sample_rate_hz) {
  return frequency_hz * 2048 / sample_rate_hz;
}

double estimate(const std::vector<std::vector<float>>& frames, int sample_rate_hz = 44100) {
  TuningEstimator estimator(sample_rate_hz, kBins);
  for (const auto& frame : frames) estimator.add_frame(frame);
  return estimator.estimate();
}

// A deviation in the middle of a hundredth, so rounding cannot move it to the next.
double shifted(double note_hz, double semitones) {
  return note_hz * std::exp2((semitones + 0.005) / 12);
}

TEST_ON_EVERY_TARGET(Tuning, FindsTheDeviationOfPeaksFromTheScale) {
  for (const double deviation : {-0.5, -0.31, -0.01, 0.0, 0.24, 0.48}) {
    std::vector<float> spectrum(kBins);
    for (const double note_hz : {880.0, 1318.5102276514797, 2217.4610478149766})
      add_peak(spectrum, bin_of(shifted(note_hz, deviation), 44100), 1);
    EXPECT_NEAR(estimate({spectrum}), deviation, 1e-9);
  }
}

TEST_ON_EVERY_TARGET(Tuning, IsCountedInBinsOfAnotherSize) {
  std::vector<float> spectrum(kBins);
  add_peak(spectrum, bin_of(880 * std::exp2((1 + 0.205) / 36), 44100), 1);
  TuningEstimator estimator(44100, kBins, 36);
  estimator.add_frame(spectrum);
  EXPECT_NEAR(estimator.estimate(), 0.2, 1e-9);
}

TEST_ON_EVERY_TARGET(Tuning, IsZeroForSilence) {
  EXPECT_EQ(estimate({}), 0);
  EXPECT_EQ(estimate({std::vector<float>(kBins)}), 0);
  EXPECT_EQ(estimate({std::vector<float>(kBins, 1.0F)}), 0);
}

TEST_ON_EVERY_TARGET(Tuning, IgnoresPeaksBelowATenthOfTheFramesMaximumAtAnyFrequency) {
  std::vector<float> spectrum(kBins), loud_above(kBins);
  add_peak(spectrum, bin_of(shifted(880, 0.2), 44100), 1);
  for (const double note_hz : {1318.5102276514797, 2217.4610478149766})
    add_peak(spectrum, bin_of(shifted(note_hz, -0.3), 44100), 0.09F);
  EXPECT_NEAR(estimate({spectrum}), 0.2, 1e-9);
  loud_above = spectrum;
  loud_above[900] = 100;
  EXPECT_EQ(estimate({loud_above}), 0);
}

TEST_ON_EVERY_TARGET(Tuning, CountsOnlyTheLouderHalfOfAllPeaks) {
  std::vector<float> loud(kBins), quiet(kBins);
  add_peak(loud, bin_of(shifted(880, 0.2), 44100), 1);
  for (const double note_hz : {1318.5102276514797}) add_peak(quiet, bin_of(shifted(note_hz, -0.3), 44100), 0.5F);
  EXPECT_NEAR(estimate({loud, quiet, loud, quiet}), 0.2, 1e-9);
}

TEST_ON_EVERY_TARGET(Tuning, UsesOnlyPeaksBetween150And4000Hz) {
  std::vector<float> spectrum(kBins);
  add_peak(spectrum, bin_of(120, 44100), 1);
  add_peak(spectrum, bin_of(4050, 44100), 1);
  EXPECT_EQ(estimate({spectrum}), 0);
  add_peak(spectrum, bin_of(shifted(880, 0.2), 44100), 0.5F);
  EXPECT_NEAR(estimate({spectrum}), 0.2, 1e-9);
}

TEST_ON_EVERY_TARGET(Tuning, HasNoFramesAfterReset) {
  std::vector<float> spectrum(kBins);
  add_peak(spectrum, bin_of(shifted(880, 0.2), 44100), 1);
  TuningEstimator estimator(44100, kBins);
  EXPECT_NEAR(estimate_tuning(spectrum.data(), 1, kBins, estimator), 0.2, 1e-9);
  estimator.reset();
  EXPECT_EQ(estimator.estimate(), 0);
}

TEST_ON_EVERY_TARGET(Tuning, StaysInsideAShortSpectrum) {
  // At 200 Hz there is no bin between 150 Hz and the Nyquist frequency.
  EXPECT_EQ(estimate({std::vector<float>(kBins, 1.0F)}, 200), 0);
  TuningEstimator estimator(8000, 3);
  estimator.add_frame(std::vector<float>{0, 1, 0});
  EXPECT_TRUE(std::isfinite(estimator.estimate()));
  // The bin of the Nyquist frequency has no upper neighbour: what lies behind it does not make it a peak.
  TuningEstimator low(4000, 9);
  std::vector<float> last_and_behind(10);
  last_and_behind[8] = 1;
  low.add_frame(last_and_behind);
  EXPECT_EQ(low.estimate(), 0);
  EXPECT_THROW(TuningEstimator(8000, 2), Error);
  EXPECT_THROW(TuningEstimator(0, kBins), Error);
}

}  // namespace
}  // namespace genrewise
