// Helpers for tests of neural networks.
#pragma once

#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "genrewise/pretrained/weights.hpp"

namespace genrewise::testing {

/// `count` uniform numbers in [-spread, spread).
inline std::vector<float> random_floats(std::size_t count, std::uint64_t seed, float spread = 1) {
  std::mt19937_64 engine(seed);
  std::vector<float> values(count);
  for (float& value : values)
    value = spread * (static_cast<float>(engine() >> 40) / static_cast<float>(1 << 23) - 1.0f);
  return values;
}

/// All tensors of a pretrained network with random values: small weights, variances around one.
inline TensorArchive random_weights(std::string_view network, std::uint64_t seed) {
  TensorArchive archive("random weights");
  for (const TensorShape& tensor : expected_tensors(network)) {
    const std::size_t count =
        std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::size_t{1}, std::multiplies<>());
    const bool dense = tensor.shape.size() > 1;
    const float inputs = dense ? static_cast<float>(count / tensor.shape[0]) : 1;
    auto values = random_floats(count, ++seed, dense ? 2 / std::sqrt(inputs) : 0.3f);
    // Scales of batch normalisation near 0 would let nothing of the input reach the last layer.
    const bool around_one = tensor.name.find("var") != std::string::npos ||
                            tensor.name.find("gamma") != std::string::npos ||
                            (!dense && tensor.name.ends_with("weight"));
    for (float& value : values) value += around_one ? 1 : 0;
    archive.put(tensor.name, std::span<const float>(values), tensor.shape);
  }
  return archive;
}

/// The largest absolute difference; infinite if the lengths differ.
inline float largest_difference(std::span<const float> a, std::span<const float> b) {
  float largest = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace genrewise::testing
