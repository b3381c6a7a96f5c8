#include "cqt_golden.hpp"

#include <cmath>
#include <cstdint>
#include <fstream>
#include <numbers>
#include <sstream>
#include <stdexcept>

namespace genrewise::testing {
namespace {

std::vector<float> read_floats(std::istream& in, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) in >> value;
  return values;
}

std::vector<float> sines(const CqtGolden& golden, const std::vector<double>& frequencies_hz) {
  std::vector<float> samples(golden.samples);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    double sum = 0;
    for (const double f : frequencies_hz)
      sum += std::sin(2 * std::numbers::pi * f * static_cast<double>(i) / golden.sample_rate_hz);
    samples[i] = static_cast<float>(sum / static_cast<double>(frequencies_hz.size()));
  }
  return samples;
}

std::vector<float> chirp(const CqtGolden& golden, double first_hz, double last_hz) {
  std::vector<float> samples(golden.samples);
  const double ratio = last_hz / first_hz, seconds = static_cast<double>(golden.samples) / golden.sample_rate_hz;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(samples.size());
    const double turns = first_hz * seconds * (std::pow(ratio, t) - 1) / std::log(ratio);
    samples[i] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * turns));
  }
  return samples;
}

}  // namespace

std::vector<float> lcg_noise(std::size_t count) {
  std::vector<float> samples(count);
  std::uint32_t x = 1;
  for (float& sample : samples) {
    x = 1664525U * x + 1013904223U;
    sample = static_cast<float>(x / 2147483648.0 - 1);
  }
  return samples;
}

std::vector<CqtGolden> read_cqt_golden(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no golden figures in " + path.string());
  std::vector<CqtGolden> all;
  for (std::string line; std::getline(file, line);) {
    std::istringstream in(line);
    std::string kind;
    in >> kind;
    if (kind == "signal") {
      CqtGolden& golden = all.emplace_back();
      in >> golden.name >> golden.sample_rate_hz >> golden.samples >> golden.tuning >> golden.power_tuning >>
          golden.frames >> golden.largest;
    } else {
      CqtGoldenFrame& frame = all.back().rows.emplace_back();
      in >> frame.frame;
      frame.cqt = read_floats(in, 84);
      frame.chroma = read_floats(in, 12);
      frame.cens = read_floats(in, 12);
      frame.tonnetz = read_floats(in, 6);
      frame.chroma_by_12 = read_floats(in, 12);
    }
    if (!in) throw std::runtime_error(path.string() + ": cannot read the line " + line.substr(0, 60));
  }
  return all;
}

std::vector<float> cqt_signal(const CqtGolden& golden) {
  const double sharp = std::exp2(0.3 / 12);
  if (golden.name == "sine_at_a_bin") return sines(golden, {440.0});
  if (golden.name == "sine_between_bins") return sines(golden, {452.8929841});
  if (golden.name.starts_with("chord")) return sines(golden, {220.0 * sharp, 261.6255653 * sharp, 329.6275569 * sharp});
  if (golden.name == "chirp") return chirp(golden, 30, 16000);
  if (golden.name == "chirp_at_22_khz") return chirp(golden, 30, 10000);
  std::vector<float> samples(golden.samples);
  if (golden.name == "silence") return samples;
  if (golden.name == "clicks") {
    for (std::size_t i = 100; i < samples.size(); i += 7919) samples[i] = 1;
    return samples;
  }
  return lcg_noise(golden.samples);
}

}  // namespace genrewise::testing
