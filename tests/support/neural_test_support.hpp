// Helpers for tests of neural networks.
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numbers>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "genrewise/pretrained/weights.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {

/// `count` uniform numbers in [-spread, spread).
inline std::vector<float> random_floats(std::size_t count, std::uint64_t seed, float spread = 1) {
  std::mt19937_64 engine(seed);
  std::vector<float> values(count);
  for (float& value : values)
    value = spread * (static_cast<float>(engine() >> 40) / static_cast<float>(1 << 23) - 1.0f);
  return values;
}

/// All tensors of a pretrained network: small weights, scales and variances around one. `values_of(name, count)`
/// returns numbers in [-1, 1).
template <class Values>
TensorArchive made_weights(std::string_view network, const Values& values_of) {
  TensorArchive archive("made weights");
  for (const TensorShape& tensor : expected_tensors(network)) {
    const std::size_t count =
        std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::size_t{1}, std::multiplies<>());
    const bool dense = tensor.shape.size() > 1;
    const float spread = dense ? 2 / std::sqrt(static_cast<float>(count / tensor.shape[0])) : 0.3f;
    std::vector<float> values = values_of(tensor.name, count);
    // Scales of batch normalisation near 0 would let nothing of the input reach the last layer.
    const bool around_one = tensor.name.find("var") != std::string::npos ||
                            tensor.name.find("gamma") != std::string::npos ||
                            (!dense && tensor.name.ends_with("weight"));
    for (float& value : values) value = value * spread + (around_one ? 1.0f : 0.0f);
    archive.put(tensor.name, std::span<const float>(values), tensor.shape);
  }
  return archive;
}

inline TensorArchive random_weights(std::string_view network, std::uint64_t seed) {
  return made_weights(network, [&](const std::string&, std::size_t count) { return random_floats(count, ++seed); });
}

/// The weights of tests/golden/neural/networks.py: Knuth's MMIX generator, started with the FNV-1a hash of the name.
inline TensorArchive seeded_weights(std::string_view network) {
  return made_weights(network, [](const std::string& name, std::size_t count) {
    std::uint64_t state = 0xcbf29ce484222325;
    for (const char byte : name) state = (state ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    std::vector<float> values(count);
    for (float& value : values) {
      state = state * 6364136223846793005 + 1442695040888963407;
      value = static_cast<float>(state >> 40) / static_cast<float>(1 << 23) - 1.0f;
    }
    return values;
  });
}

/// The networks' input of networks.py: sin(0.37 i) + 0.5 sin(0.0123 i).
inline std::vector<float> wave_like(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = static_cast<double>(i);
    values[i] = static_cast<float>(std::sin(0.37 * at) + 0.5 * std::sin(0.0123 * at));
  }
  return values;
}

/// The largest absolute difference; infinite if the lengths differ.
inline float largest_difference(std::span<const float> a, std::span<const float> b) {
  float largest = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// The test wave of networks.py.
inline std::vector<float> test_wave(double seconds, int rate_hz) {
  using std::numbers::pi;
  std::vector<float> samples;
  for (int i = 0; i < static_cast<int>(seconds * rate_hz); ++i) {
    const double t = i / static_cast<double>(rate_hz);
    samples.push_back(static_cast<float>(0.3 * std::sin(2 * pi * 220 * t) +
                                         0.2 * std::sin(2 * pi * (440 + 30 * std::sin(2 * pi * 2 * t)) * t) +
                                         (std::sin(2 * pi * 4 * t) > 0 ? 0.1 * std::sin(2 * pi * 3520 * t) : 0)));
  }
  return samples;
}

/// Golden figures of networks.json, every `step`-th value of a network's output.
class NetworkGolden {
 public:
  explicit NetworkGolden(const std::string& file = "networks.json") {
    std::ifstream in(golden_path("neural/" + file));
    json_ = nlohmann::json::parse(in);
  }
  /// The largest absolute difference, relative to the largest golden value where that is above 1; infinite if the
  /// lengths differ.
  float difference(std::span<const float> values, const std::string& network, const std::string& output) const {
    const auto expected = json_.at(network).at(output).get<std::vector<float>>();
    const auto step = json_.at("step").get<std::size_t>();
    std::vector<float> found;
    for (std::size_t i = 0; i < values.size(); i += step) found.push_back(values[i]);
    float largest = 1;
    for (const float value : expected) largest = std::max(largest, std::abs(value));
    return largest_difference(found, expected) / largest;
  }
  const nlohmann::json& json() const { return json_; }

 private:
  nlohmann::json json_;
};

}  // namespace genrewise::testing
