// Mixes several channels down to their mean. Internal to audio.
#pragma once

#include <cstddef>
#include <span>

namespace genrewise::audio {

/// out[i] = scale * mean over c of (in[i * channels + c] - offset).
template <class T>
void mean_of_interleaved(const T* in, int channels, float offset, float scale, std::span<float> out) {
  const float factor = scale / static_cast<float>(channels);
  if (channels == 1) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = (static_cast<float>(in[i]) - offset) * factor;
  } else if (channels == 2) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const float left = static_cast<float>(in[2 * i]) - offset, right = static_cast<float>(in[2 * i + 1]) - offset;
      out[i] = (left + right) * factor;
    }
  } else {
    const auto stride = static_cast<std::size_t>(channels);
    for (std::size_t i = 0; i < out.size(); ++i) {
      float sum = 0;
      for (std::size_t c = 0; c < stride; ++c) sum += static_cast<float>(in[i * stride + c]) - offset;
      out[i] = sum * factor;
    }
  }
}

/// The same for planar channels: planes[c][i].
template <class T>
void mean_of_planes(const T* const* planes, int channels, float offset, float scale, std::span<float> out) {
  const float factor = scale / static_cast<float>(channels);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = (static_cast<float>(planes[0][i]) - offset) * factor;
  for (int c = 1; c < channels; ++c) {
    const T* plane = planes[c];
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += (static_cast<float>(plane[i]) - offset) * factor;
  }
}

}  // namespace genrewise::audio
