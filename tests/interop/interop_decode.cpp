// What decoders.py drives: interop_decode FILE SAMPLES [FILE SAMPLES]... decodes each file and writes its samples
// (mono, float32); prints a line of JSON for each, with sample rate and number of samples, or the fault.
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "genrewise/audio/decode.hpp"

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto wave = genrewise::decode_file(argv[i]);
    nlohmann::json line;
    if (wave) {
      line = {{"rate", wave->sample_rate_hz}, {"samples", wave->samples.size()}};
      std::ofstream(argv[i + 1], std::ios::binary)
          .write(reinterpret_cast<const char*>(wave->samples.data()),
                 static_cast<std::streamsize>(wave->samples.size() * sizeof(float)));
    } else {
      line = {{"fault", wave.error().reason}, {"detail", wave.error().detail}};
    }
    std::printf("%s\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  }
  return 0;
}
