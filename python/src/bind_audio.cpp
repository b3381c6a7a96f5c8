// Decoding.
#include "genrewise/audio/decode.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "bindings.hpp"

namespace genrewise::python {
namespace {

namespace nb = nanobind;
using std::filesystem::path;

template <class Value>
Value require(Expected<Value> value) {
  if (!value)
    throw Error(
        value.error().detail.empty() ? value.error().reason : value.error().reason + " (" + value.error().detail + ")",
        value.error().where);
  return std::move(*value);
}

nb::object load(const path& location, std::optional<int> sample_rate_hz, double start_s,
                std::optional<double> length_s) {
  DecodeOptions options{.clip = {.start_s = start_s}, .sample_rate_hz = sample_rate_hz};
  if (length_s) options.clip.duration_s = *length_s;
  Waveform wave;
  run([&](Runtime&) { wave = require(decode_file(location, options)); });
  const std::size_t samples = wave.samples.size();
  return nb::make_tuple(as_array(std::move(wave.samples), {samples}), wave.sample_rate_hz);
}

}  // namespace

void bind_audio(nb::module_& module) {
  module.def("load", &load, nb::arg("location"), nb::arg("sample_rate_hz"), nb::arg("start_s"), nb::arg("duration_s"));
}

}  // namespace genrewise::python
