// Decoding.
#include "genrewise/audio/decode.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>

#include "bindings.hpp"

namespace genrewise::python {
namespace {

namespace nb = nanobind;
using std::filesystem::path;

Array<float> load(const path& location, std::optional<int> sample_rate_hz, double start_s,
                  std::optional<double> duration_s) {
  DecodeOptions options{.clip = {.start_s = start_s}, .sample_rate_hz = sample_rate_hz};
  if (duration_s) options.clip.duration_s = *duration_s;
  Waveform wave;
  run([&](Runtime&) { wave = require(decode_file(location, options)); });
  const std::size_t samples = wave.samples.size();
  return as_array(std::move(wave.samples), {samples});
}

nb::tuple info(const path& location) {
  AudioInfo info;
  run([&](Runtime&) { info = require(probe_file(location)); });
  return nb::make_tuple(info.format, info.codec, info.sample_rate_hz, info.channels, info.duration_s,
                        info.bit_rate_kbps);
}

void isolate(bool enabled, double max_seconds, std::uint64_t max_memory_bytes) {
  std::optional<DecodeIsolation> isolation;
  if (enabled) isolation = DecodeIsolation{.max_seconds = max_seconds, .max_memory_bytes = max_memory_bytes};
  set_decode_isolation(isolation);
}

}  // namespace

void bind_audio(nb::module_& module) {
  using namespace nb::literals;
  module.def("load", &load, "location"_a, "sample_rate_hz"_a.none(), "start_s"_a, "duration_s"_a.none());
  module.def("isolate_decoding", &isolate, "enabled"_a, "max_seconds"_a, "max_memory_bytes"_a);
  module.def("info", &info, "location"_a);
}

}  // namespace genrewise::python
