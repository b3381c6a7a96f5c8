// Features of frames and of their changes: zero crossings, slopes, onsets, spectral flatness and flux, harmonic share;
// and statistics of series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/matrix.hpp"

namespace genrewise {

/// The share of samples of each frame before which the sign changes, like librosa.feature.zero_crossing_rate (values
/// within 1e-10 of zero count as positive; frames are centred at i * hop_samples; the signal is padded with its end
/// values; a frame's first sample never counts). `rates` has 1 + samples / hop_samples values. frame_samples is even
/// and a multiple of hop_samples.
void zero_crossing_rate(std::span<const float> samples, std::size_t frame_samples, std::size_t hop_samples,
                        std::span<float> rates);

/// librosa.feature.delta (width 9, order 1): the slope per frame of the least-squares line through a frame and four
/// neighbours on each side; the first and last four frames have the slope of the nearest full window. Series of fewer
/// than nine frames give 0. `slope` has the size of `series`.
void delta(std::span<const float> series, std::span<float> slope);

/// librosa.onset.onset_strength(S=...) with its defaults: increases of the mel bands in dB from frame to frame
/// (decreases count as 0), averaged over bands and delayed by two frames of 512 samples, so onsets are at their time
/// and not where a frame of 2,048 samples first contains them. `mel_db`: `bands` rows of envelope.size() frames,
/// `stride` floats apart; values below `floor_db` are raised to it (librosa's top_db: 80 dB below the maximum). The
/// first three frames are 0.
void onset_strength(const float* mel_db, std::size_t bands, std::size_t stride, float floor_db,
                    std::span<float> envelope);

/// librosa.feature.spectral_flatness (power 2, amin 1e-10): the geometric mean of a frame's powers over their
/// arithmetic mean; 1 for white noise and silence, near 0 for tones. `power` is 64-byte aligned and has at least one
/// bin.
float spectral_flatness(std::span<const float> power);

/// Spectral flux (Tzanetakis and Cook, 2002): the sum of squared differences of two frames' magnitudes, each divided by
/// its sum. `previous` and `power` are power spectra; silent frames count as zeros.
float spectral_flux(std::span<const float> previous, std::span<const float> power);

struct HarmonicScratch {
  AlignedVector<float> by_frame, by_band, over_time, over_frequency;
};

/// librosa.decompose.hpss(S, mask=True)[0] (Fitzgerald, 2010; Driedger, Müller and Disch, 2014; kernel 31, power 2,
/// margin 1): the harmonic share of each value, from the medians over 31 frames and over 31 bands around it; the rest
/// is percussive. `magnitudes`: frames x bands, not negative; `mask` gets the same shape.
void harmonic_mask(const Matrix& magnitudes, Matrix& mask, HarmonicScratch& scratch);

/// The share of each frame's magnitude that is harmonic; 0.5 for a silent frame.
void harmonic_share(const Matrix& magnitudes, const Matrix& mask, std::span<float> share);

/// Like the functions of NumPy and scipy.stats with these names and default arguments: std and moments of the
/// population (ddof 0, biased), Fisher's kurtosis (0 for a normal distribution).
struct Moments {
  float mean = 0, std = 0, skew = 0, kurtosis = 0, median = 0, min = 0, max = 0;
};

/// Computes the statistics with sums in double precision. A constant series (standard deviation below 1e-6 of the mean,
/// SciPy's test for float32) has skew 0 and kurtosis -3, as in FMA's published table; SciPy since 1.9 gives NaN. The
/// series must be finite and not empty. `scratch` holds no state between calls.
Moments moments(std::span<const float> series, std::vector<std::int32_t>& scratch);

}  // namespace genrewise
