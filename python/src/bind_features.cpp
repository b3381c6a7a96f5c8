// Features of frames, and feature sets. Spectrograms are frames x bins, the transpose of librosa's; what is computed
// from them is features x frames, as librosa's.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <complex>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "bindings.hpp"
#include "genrewise/dsp/cqt.hpp"
#include "genrewise/dsp/fft.hpp"
#include "genrewise/dsp/frame_series.hpp"
#include "genrewise/dsp/mel.hpp"
#include "genrewise/dsp/spectral_shape.hpp"
#include "genrewise/dsp/tempogram.hpp"
#include "genrewise/dsp/tile.hpp"
#include "genrewise/dsp/tonality.hpp"
#include "genrewise/features/frame_analysis.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise::python {
namespace {

namespace nb = nanobind;
using Window = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::span<const float> span_of(const Vector& vector) {
  return {vector.data(), vector.size()};
}

Matrix matrix_of(const Rows& rows) {
  return {rows.shape(0), rows.shape(1), std::vector(rows.data(), rows.data() + rows.size())};
}

struct ComplexMatrix {
  std::vector<std::complex<float>> values;
  std::size_t rows = 0;
};

// How results of each type are returned to Python.
double returned(double value) {
  return value;
}
Array<float> returned(Matrix matrix) {
  return as_array(std::move(matrix));
}
Array<float> returned(std::vector<float> values) {
  const std::size_t count = values.size();
  return as_array(std::move(values), {count});
}
Array<std::complex<float>> returned(ComplexMatrix matrix) {
  const std::size_t columns = matrix.values.size() / matrix.rows;
  return as_array(std::move(matrix.values), {matrix.rows, columns});
}

/// Defines a function that is computed without the GIL.
template <class Result, class... Arguments>
void define(nb::module_& module, const char* name, Result (*function)(Arguments...), const auto&... names) {
  const auto call = [function](Arguments... arguments) {
    auto result = [&] {
      const nb::gil_scoped_release release;
      return function(arguments...);
    }();
    return returned(std::move(result));
  };
  module.def(name, call, names...);
}

/// Calls take(bin) for all bins of the spectra of frames, and returns the number of frames. Frame i begins at sample i
/// * hop and is multiplied by the window.
std::size_t spectra(const Vector& samples, const Window& window, std::size_t hop, auto take) {
  const std::size_t size = window.size();
  if (hop == 0 || size == 0 || samples.size() < size)
    throw UsageError("frames of " + std::to_string(size) + " samples, " + std::to_string(hop) +
                         " apart, do not fit into " + std::to_string(samples.size()) + " samples",
                     "stft", "use a longer signal, shorter frames or center=True");
  const RealFft64 fft(size);
  AlignedVector<double> frame(size);
  AlignedVector<std::complex<double>> spectrum(fft.bins());
  const std::size_t count = 1 + (samples.size() - size) / hop;
  for (std::size_t t = 0; t < count; ++t) {
    const float* from = samples.data() + t * hop;
    for (std::size_t i = 0; i < size; ++i) frame[i] = from[i] * window(i);
    fft.forward(frame.data(), spectrum.data());
    for (const std::complex<double>& bin : spectrum) take(bin);
  }
  return count;
}

ComplexMatrix complex_spectra(const Vector& samples, const Window& window, std::size_t hop) {
  ComplexMatrix result;
  result.rows = spectra(samples, window, hop, [&](const std::complex<double>& bin) {
    result.values.emplace_back(static_cast<float>(bin.real()), static_cast<float>(bin.imag()));
  });
  return result;
}

Matrix real_spectra(const Vector& samples, const Window& window, std::size_t hop, bool squared) {
  std::vector<float> values;
  const std::size_t rows = spectra(samples, window, hop, [&](const std::complex<double>& bin) {
    values.push_back(static_cast<float>(squared ? std::norm(bin) : std::sqrt(std::norm(bin))));
  });
  const std::size_t columns = values.size() / rows;
  return {rows, columns, std::move(values)};
}

/// `rows` values per frame, which apply(tile, out, stride) computes for kTileFrames frames at once (see dsp/tile.hpp);
/// `finish` changes the whole result.
Matrix by_tiles(const Rows& frames, std::size_t rows, auto apply, auto finish) {
  const std::size_t count = frames.shape(0), bins = frames.shape(1), stride = aligned_stride(bins);
  Series series;
  series.resize(rows, count);
  AlignedVector<float> padded(kTileFrames * stride), tile(stride * kTileFrames);
  for (std::size_t first = 0; first < series.stride(); first += kTileFrames) {
    for (std::size_t i = 0; i < kTileFrames; ++i) {
      float* const row = padded.data() + i * stride;
      if (first + i < count)
        std::copy_n(frames.data() + (first + i) * bins, bins, row);
      else
        std::fill_n(row, bins, 0.0F);
    }
    transpose_to_tile(padded.data(), stride, bins, tile.data());
    apply(tile.data(), series.data(0) + first, series.stride());
  }
  finish(series);
  Matrix result(rows, count);
  for (std::size_t i = 0; i < rows; ++i) std::ranges::copy(series.row(i), result.row(i).begin());
  return result;
}

Matrix by_tiles(const Rows& frames, std::size_t rows, auto apply) {
  return by_tiles(frames, rows, apply, [](Series&) {});
}

Matrix mel(const Rows& power, int sample_rate_hz, std::size_t n_mels, double fmin_hz, double fmax_hz) {
  const MelFilterbank filters({.sample_rate_hz = sample_rate_hz,
                               .n_fft = 2 * (power.shape(1) - 1),
                               .n_mels = n_mels,
                               .fmin_hz = fmin_hz,
                               .fmax_hz = fmax_hz});
  return by_tiles(power, n_mels,
                  [&](const float* tile, float* out, std::size_t stride) { filters.apply(tile, out, stride); });
}

Matrix dct(const Rows& values, std::size_t n_out) {
  const Dct transform(values.shape(1), n_out);
  return by_tiles(values, n_out, [&](const float* tile, float* out, std::size_t stride) {
    transform.apply(tile, kTileFrames, std::numeric_limits<float>::lowest(), out, stride);
  });
}

/// Rows: centroid, bandwidth, roll-off, RMS.
Matrix shape(const Rows& magnitude, int sample_rate_hz) {
  return by_tiles(magnitude, 4, [&](const float* tile, float* out, std::size_t stride) {
    spectral_shape(tile, magnitude.shape(1), sample_rate_hz, {out, out + stride, out + 2 * stride, out + 3 * stride});
  });
}

Matrix contrast(const Rows& magnitude, int sample_rate_hz) {
  const SpectralContrast bands(sample_rate_hz, 2 * (magnitude.shape(1) - 1));
  Series valleys;
  valleys.resize(kContrastBands, magnitude.shape(0));
  std::size_t first = 0;
  const auto extremes = [&](const float* tile, float* peaks, std::size_t stride) {
    bands.extremes(tile, peaks, valleys.data(0) + first, stride);
    first += kTileFrames;
  };
  return by_tiles(magnitude, kContrastBands, extremes, [&](Series& peaks) {
    contrast_in_db(peaks.data(0), valleys.data(0), peaks.stride(), peaks.frames());
  });
}

/// 10 log10(max(power, 1e-10)), flat.
std::vector<float> in_db(const Vector& power) {
  AlignedVector<float> values(aligned_stride(power.size()), 1.0F);
  std::ranges::copy(span_of(power), values.begin());
  power_to_db(values);
  std::vector<float> result(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(power.size()));
  return result;
}

double tuning(const Rows& spectrogram, int sample_rate_hz, int bins_per_octave) {
  TuningEstimator estimator(sample_rate_hz, spectrogram.shape(1), bins_per_octave);
  return estimate_tuning(spectrogram.data(), spectrogram.shape(0), spectrogram.shape(1), estimator);
}

Matrix chroma_of_power(const Rows& power, int sample_rate_hz, double tuning_semitones) {
  const std::size_t count = power.shape(0), bins = power.shape(1), stride = aligned_stride(bins);
  const ChromaFilterbank filters({sample_rate_hz, 2 * (bins - 1), tuning_semitones});
  AlignedVector<float> padded(count * stride);
  for (std::size_t t = 0; t < count; ++t) std::copy_n(power.data() + t * bins, bins, padded.data() + t * stride);
  Matrix chroma(kPitchClasses, count);
  filters.apply(padded.data(), count, stride, chroma.data(), count);
  return chroma;
}

Matrix cqt(const Vector& samples, int sample_rate_hz, std::size_t hop, double lowest_hz, std::size_t octaves,
           std::size_t bins_per_octave, double tuning_bins) {
  const Cqt transform({sample_rate_hz, hop, octaves, lowest_hz, bins_per_octave});
  Matrix magnitude;
  Cqt::Scratch scratch;
  transform.process(span_of(samples), tuning_bins, magnitude, scratch);
  return magnitude;
}

/// For functions of a matrix and further arguments that write a matrix.
template <auto kFunction, class... Arguments>
Matrix of_matrix(const Rows& rows, Arguments... arguments) {
  Matrix result;
  kFunction(matrix_of(rows), arguments..., result);
  return result;
}

std::vector<float> crossings(const Vector& samples, std::size_t frame_samples, std::size_t hop) {
  std::vector<float> rates(1 + samples.size() / hop);
  zero_crossing_rate(span_of(samples), frame_samples, hop, rates);
  return rates;
}

Matrix slopes(const Rows& series) {
  Matrix result(series.shape(0), series.shape(1));
  for (std::size_t i = 0; i < result.rows(); ++i)
    delta({series.data() + i * result.cols(), result.cols()}, result.row(i));
  return result;
}

/// `mel_db`: bands x frames.
std::vector<float> onsets(const Rows& mel_db) {
  std::vector<float> envelope(mel_db.shape(1));
  onset_strength(mel_db.data(), mel_db.shape(0), mel_db.shape(1), std::numeric_limits<float>::lowest(), envelope);
  return envelope;
}

Matrix tempogram(const Vector& envelope, std::size_t window_frames) {
  Matrix result;
  Tempogram::Scratch scratch;
  Tempogram({.window_frames = window_frames}).process(span_of(envelope), result, scratch);
  return result;
}

std::vector<float> flatness(const Rows& power) {
  AlignedVector<float> row(aligned_stride(power.shape(1)));
  std::vector<float> result(power.shape(0));
  for (std::size_t t = 0; t < result.size(); ++t) {
    std::copy_n(power.data() + t * power.shape(1), power.shape(1), row.begin());
    result[t] = spectral_flatness({row.data(), power.shape(1)});
  }
  return result;
}

std::vector<float> resampled(const Vector& samples, int from_hz, int to_hz) {
  std::vector<float> result = resample(span_of(samples), from_hz, to_hz);
  return result;
}

std::vector<float> extract(const FeatureSet& set, const Vector& samples, int sample_rate_hz) {
  const Waveform clip{{samples.data(), samples.data() + samples.size()}, sample_rate_hz};
  std::vector<float> row(set.size());
  const nb::gil_scoped_release release;
  require(set.extract(clip, row));
  return row;
}

std::vector<std::tuple<std::string, std::string, std::string>> columns(const FeatureSet& set) {
  std::vector<std::tuple<std::string, std::string, std::string>> result;
  for (const FeatureColumn& column : set.columns())
    result.emplace_back(column.feature, column.statistic, column.number);
  return result;
}

}  // namespace

void bind_features(nb::module_& module) {
  using namespace nb::literals;
  define(module, "stft", &complex_spectra, "samples"_a, "window"_a, "hop"_a);
  define(module, "spectrogram", &real_spectra, "samples"_a, "window"_a, "hop"_a, "squared"_a);
  define(module, "mel", &mel, "power"_a, "sample_rate_hz"_a, "n_mels"_a, "fmin_hz"_a, "fmax_hz"_a);
  define(module, "dct", &dct, "values"_a, "n_out"_a);
  define(module, "spectral_shape", &shape, "magnitude"_a, "sample_rate_hz"_a);
  define(module, "spectral_contrast", &contrast, "magnitude"_a, "sample_rate_hz"_a);
  define(module, "spectral_flatness", &flatness, "power"_a);
  define(module, "power_to_db", &in_db, "power"_a);
  define(module, "estimate_tuning", &tuning, "spectrogram"_a, "sample_rate_hz"_a, "bins_per_octave"_a);
  define(module, "chroma_stft", &chroma_of_power, "power"_a, "sample_rate_hz"_a, "tuning"_a);
  define(module, "cqt", &cqt, "samples"_a, "sample_rate_hz"_a, "hop"_a, "lowest_hz"_a, "octaves"_a, "bins_per_octave"_a,
         "tuning"_a);
  define(module, "chroma_cqt", &of_matrix<chroma_cqt, int>, "cqt"_a, "bins_per_octave"_a);
  define(module, "chroma_cens", &of_matrix<chroma_cens, int>, "cqt"_a, "bins_per_octave"_a);
  define(module, "tonnetz", &of_matrix<tonnetz>, "chroma"_a);
  define(module, "zero_crossing_rate", &crossings, "samples"_a, "frame_samples"_a, "hop"_a);
  define(module, "delta", &slopes, "series"_a);
  define(module, "onset_strength", &onsets, "mel_db"_a);
  define(module, "tempogram", &tempogram, "envelope"_a, "window_frames"_a);
  define(module, "resample", &resampled, "samples"_a, "from_hz"_a, "to_hz"_a);

  nb::class_<FeatureSet>(module, "FeatureSet")
      .def_static("make", &make_feature_set, "name"_a, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "extract",
          [](const FeatureSet& set, const Vector& samples, int sample_rate_hz) {
            return returned(extract(set, samples, sample_rate_hz));
          },
          "samples"_a, "sample_rate_hz"_a)
      .def_prop_ro("columns", &columns)
      .def_prop_ro("sample_rate_hz", &FeatureSet::sample_rate_hz)
      .def_prop_ro("name", [](const FeatureSet& set) { return set.recipe().name; })
      .def_prop_ro("version", [](const FeatureSet& set) { return set.recipe().version; });
  module.def("feature_sets", [] {
    std::vector<std::tuple<std::string, std::string, std::size_t>> sets;
    for (const FeatureSetDescriptor& set : feature_sets()) sets.emplace_back(set.name, set.summary, set.columns);
    return sets;
  });
}

}  // namespace genrewise::python
