// Arbitrary bytes are decoded or give a fault: no crash, no endless loop, no non-finite sample.
#include <cmath>
#include <cstdlib>
#include <span>

#include "genrewise/audio/decode.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const genrewise::DecodeOptions whole, centred{.clip = {.duration_s = 0.5}}, late{.clip = {.start_s = 6.0}};
  for (const auto& options : {whole, centred, late}) {
    const auto wave = genrewise::decode_bytes(bytes, "fuzz", options);
    if (!wave) continue;
    if (wave->sample_rate_hz <= 0 || wave->samples.empty()) std::abort();
    for (const float sample : wave->samples) {
      if (!std::isfinite(sample)) std::abort();
    }
  }
  const auto info = genrewise::probe_bytes(bytes, "fuzz");
  if (info && !std::isfinite(info->duration_s)) std::abort();
  return 0;
}
