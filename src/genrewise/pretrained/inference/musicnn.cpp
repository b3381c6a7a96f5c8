#include "genrewise/pretrained/inference/musicnn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/inference/kernels.hpp"
#include "genrewise/pretrained/inference/team.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kFrames = kMusicnnFrames, kBands = kMusicnnBands, kMiddle = kMusicnnMiddle;
constexpr std::size_t kTimePadding = kMusicnnTimeKernel / 2;
// Padding frames of the longest temporal filter before the first and after the last frame.
constexpr std::size_t kLongest = 128, kLongBefore = (kLongest - 1) / 2;
constexpr std::size_t kSlopeStride = aligned_stride(kFrames + kLongest - 1);

/// Batch normalisation: x * scale + shift.
struct Normalisation {
  std::vector<float> scale, shift;
  Normalisation() = default;
  Normalisation(const TensorArchive& weights, const std::string& name, const std::string& ending = {}) {
    constexpr double kEpsilon = 1e-3;
    const auto get = [&](const char* part) { return weights.floats(name + "." + part + ending); };
    const auto gamma = get("gamma"), beta = get("beta"), mean = get("moving_mean"), variance = get("moving_variance");
    for (std::size_t i = 0; i < gamma.size(); ++i) {
      const double factor = gamma[i] / std::sqrt(variance[i] + kEpsilon);
      scale.push_back(static_cast<float>(factor));
      shift.push_back(static_cast<float>(beta[i] - factor * mean[i]));
    }
  }
  float operator()(float value, std::size_t channel) const { return value * scale[channel] + shift[channel]; }
};

/// Toom-Cook (Winograd) convolution over time (Lavin and Gray 2016): two outputs of a filter over seven frames take
/// eight products instead of fourteen. With V_n the values of the powers x^0 .. x^(n-1) at eight points (the last at
/// infinity: the highest power alone), the outputs are V_2^T ((V_7 filter) * (V_8^-T input)).
struct ToomCook {
  static constexpr std::size_t kOutputs = 2, kTaps = kMusicnnTimeKernel, kPoints = kOutputs + kTaps - 1;
  std::array<std::array<double, kPoints>, kPoints> inverse;  // V_8^-1

  ToomCook() {
    std::array<std::array<double, kPoints>, kPoints> left;
    for (std::size_t p = 0; p < kPoints; ++p) {
      for (std::size_t e = 0; e < kPoints; ++e) {
        left[p][e] = value(p, e, kPoints);
        inverse[p][e] = p == e ? 1 : 0;
      }
    }
    invert(left);
  }
  /// Entry of V_n, n = exponents.
  static double value(std::size_t point, std::size_t exponent, std::size_t exponents) {
    // Small numbers and their reciprocals keep rounding errors small.
    constexpr double kEvaluationPoints[kPoints - 1] = {0, 1, -1, 2, -2, 0.5, -0.5};
    if (point + 1 == kPoints) return exponent + 1 == exponents ? 1 : 0;
    return std::pow(kEvaluationPoints[point], static_cast<double>(exponent));
  }

 private:
  void invert(std::array<std::array<double, kPoints>, kPoints>& left) {  // Gauss-Jordan elimination with pivoting
    for (std::size_t column = 0; column < kPoints; ++column) {
      std::size_t pivot = column;
      for (std::size_t row = column + 1; row < kPoints; ++row)
        if (std::abs(left[row][column]) > std::abs(left[pivot][column])) pivot = row;
      std::swap(left[column], left[pivot]);
      std::swap(inverse[column], inverse[pivot]);
      const double scale = 1 / left[column][column];
      for (std::size_t j = 0; j < kPoints; ++j) {
        left[column][j] *= scale;
        inverse[column][j] *= scale;
      }
      for (std::size_t row = 0; row < kPoints; ++row) {
        const double factor = row == column ? 0 : left[row][column];
        for (std::size_t j = 0; j < kPoints; ++j) {
          left[row][j] -= factor * left[column][j];
          inverse[row][j] -= factor * inverse[column][j];
        }
      }
    }
  }
};

const ToomCook& toom_cook() {
  static const ToomCook made;
  return made;
}

constexpr std::size_t kTiles = (kFrames + ToomCook::kOutputs - 1) / ToomCook::kOutputs;

/// A convolution of the front end, ReLU, normalisation and the maximum over the bands. The maximum is taken first: the
/// later operations are monotonic; where the scale of the normalisation is negative, the filter's sign is flipped, so
/// that its minimum is found as a maximum.
struct FrontEnd {
  MusicnnFilters layout;
  PackedWeights filters;
  std::vector<float> sign, bias;
  Normalisation normalisation;

  FrontEnd(const TensorArchive& weights, const MusicnnFilters& end, const std::string& convolution,
           const std::string& normalisation_name)
      : layout(end), bias(weights.floats(convolution + ".bias_1")), normalisation(weights, normalisation_name, "_1") {
    for (const float scale : normalisation.scale) sign.push_back(scale < 0 ? -1.0f : 1.0f);
    const auto kernel = weights.floats(convolution + ".kernel_1");  // frames x bands x 1 x filters
    if (slopes()) {
      filters = {end.frames,
                 end.filters,
                 [&](std::size_t at, std::size_t o) { return sign[o] * kernel[at * end.filters + o]; },
                 {}};
      return;
    }
    filters = {ToomCook::kPoints * end.bands,
               end.filters,
               [&](std::size_t at, std::size_t o) {
                 const std::size_t point = at / end.bands, band = at % end.bands;
                 double sum = 0;
                 for (std::size_t t = 0; t < ToomCook::kTaps; ++t)
                   sum += ToomCook::value(point, t, ToomCook::kTaps) * kernel[(t * end.bands + band) * end.filters + o];
                 return static_cast<float>(sign[o] * sum);
               },
               {}};
  }

  /// Temporal filters, one band high.
  bool slopes() const { return layout.bands == 1; }

  float finish(float largest, std::size_t channel) const {
    return normalisation(std::max(0.0f, sign[channel] * largest + bias[channel]), channel);
  }
};

PackedWeights packed(const TensorArchive& weights, const std::string& name, std::size_t in, std::size_t out,
                     const std::string& ending = {}) {
  const auto kernel = weights.floats(name + ".kernel" + ending), bias = weights.floats(name + ".bias" + ending);
  return {in, out, [&](std::size_t i, std::size_t o) { return kernel[i * out + o]; }, bias};
}

/// A convolution over seven frames and all channels, ReLU, normalisation.
struct MiddleLayer {
  PackedWeights filters;
  Normalisation normalisation;
  MiddleLayer(const TensorArchive& weights, const std::string& name, std::size_t in)
      : filters(packed(weights, name, kMusicnnTimeKernel * in, kMiddle)), normalisation(weights, "bn_" + name) {}
};

}  // namespace

struct Musicnn::Scratch::Buffers {
  AlignedVector<float> padded;  // frames, with three zero frames before and four after, x bands
  AlignedVector<float> points;  // pairs of frames x points x bands
  AlignedVector<float> slopes;  // bands x frames, with 63 zero frames before and 64 after
  AlignedVector<float> front;   // frames, with three zero frames before and after, x 561
  AlignedVector<float> middle[3], pooled, hidden, tags;
  Team team;

  Buffers()
      : padded((kFrames + 2 * kTimePadding + 1) * kBands),
        points(kTiles * ToomCook::kPoints * kBands),
        slopes(kBands * kSlopeStride),
        front((kFrames + 2 * kTimePadding) * kMusicnnFrontChannels),
        pooled(2 * kMusicnnChannels),
        hidden(octets_of(kMusicnnDense) * kOctet),
        tags(octets_of(kMusicnnTags) * kOctet) {
    for (auto& one : middle) one.resize((kFrames + 2 * kTimePadding) * kMiddle);
  }
};

struct Musicnn::Network {
  Normalisation input, pooled, hidden;
  std::vector<FrontEnd> front;
  std::vector<MiddleLayer> middle;
  PackedWeights dense, tags;

  explicit Network(const TensorArchive& weights)
      : input(weights, "batch_normalization", "_1"),
        pooled(weights, "bn_flatpool"),
        hidden(weights, "bn_dense"),
        dense(packed(weights, "dense", 2 * kMusicnnChannels, kMusicnnDense, "_1")),
        tags(packed(weights, "dense_1", kMusicnnDense, kMusicnnTags, "_1")) {
    for (std::size_t i = 0; i < kMusicnnFrontEnds.size(); ++i) {
      front.emplace_back(weights, kMusicnnFrontEnds[i], i == 0 ? "conv2d" : fmt::format("conv2d_{}", i),
                         fmt::format("batch_normalization_{}", i + 1));
    }
    for (std::size_t i = 0; i < 3; ++i)
      middle.emplace_back(weights, fmt::format("midend_conv{}", i + 1), i == 0 ? kMusicnnFrontChannels : kMiddle);
  }

  void normalise_input(std::span<const float> patch, Scratch::Buffers& buffers) const {
    for (std::size_t t = 0; t < kFrames; ++t) {
      float* const row = buffers.padded.data() + (t + kTimePadding) * kBands;
      for (std::size_t f = 0; f < kBands; ++f) {
        row[f] = input(patch[t * kBands + f], 0);
        buffers.slopes[f * kSlopeStride + kLongBefore + t] = row[f];
      }
    }
  }

  /// Toom-Cook transform of the input, for every pair of frames.
  void evaluate_points(Scratch::Buffers& buffers) const {
    constexpr std::size_t kPoints = ToomCook::kPoints;
    for (std::size_t tile = 0; tile < kTiles; ++tile) {
      const float* const from = buffers.padded.data() + tile * ToomCook::kOutputs * kBands;
      for (std::size_t p = 0; p < kPoints; ++p) {
        float* const to = buffers.points.data() + (tile * kPoints + p) * kBands;
        std::fill_n(to, kBands, 0.0f);
        for (std::size_t e = 0; e < kPoints; ++e) {
          const auto factor = static_cast<float>(toom_cook().inverse[e][p]);
          for (std::size_t f = 0; f < kBands; ++f) to[f] += factor * from[e * kBands + f];
        }
      }
    }
  }

  /// Panels are the outer loop, so one panel's filters stay in the first-level cache for all frames.
  void run_front(Scratch::Buffers& buffers, Team::Member& member) const {
    member.run(1, [&](std::size_t) { evaluate_points(buffers); });
    std::size_t channel = 0;
    for (const FrontEnd& end : front) {
      const auto& panels = end.filters.panels();
      member.run(panels.size(), [&](std::size_t p) {
        if (end.slopes()) {
          run_slopes(end, panels[p], channel, buffers);
        } else {
          run_timbres(end, panels[p], channel, buffers);
        }
      });
      channel += end.layout.filters;
    }
  }

  static void run_timbres(const FrontEnd& end, const PackedWeights::Panel& panel, std::size_t channel,
                          Scratch::Buffers& buffers) {
    std::array<std::array<float, ToomCook::kOutputs>, ToomCook::kPoints> share;
    for (std::size_t p = 0; p < ToomCook::kPoints; ++p)
      for (std::size_t j = 0; j < ToomCook::kOutputs; ++j)
        share[p][j] = static_cast<float>(ToomCook::value(p, j, ToomCook::kOutputs));
    for (std::size_t tile = 0; tile < kTiles; ++tile) {
      const RowsIn rows{buffers.points.data() + tile * ToomCook::kPoints * kBands, 1, end.layout.bands,
                        ToomCook::kPoints, kBands};
      float largest[ToomCook::kOutputs][PackedWeights::kMostOctets * kOctet];
      multiply_largest_pair(end.filters, panel, rows, share, kBands - end.layout.bands + 1, {largest[0], largest[1]});
      for (std::size_t j = 0; j < ToomCook::kOutputs && tile * ToomCook::kOutputs + j < kFrames; ++j)
        finish(end, panel, largest[j], tile * ToomCook::kOutputs + j, channel, buffers);
    }
  }

  static void run_slopes(const FrontEnd& end, const PackedWeights::Panel& panel, std::size_t channel,
                         Scratch::Buffers& buffers) {
    const std::size_t before = (end.layout.frames - 1) / 2;
    for (std::size_t t = 0; t < kFrames; ++t) {
      const RowsIn rows{buffers.slopes.data() + kLongBefore + t - before, kSlopeStride, end.layout.frames};
      float largest[PackedWeights::kMostOctets * kOctet];
      multiply_largest(end.filters, panel, rows, kBands, largest);
      finish(end, panel, largest, t, channel, buffers);
    }
  }

  static void finish(const FrontEnd& end, const PackedWeights::Panel& panel, const float* largest, std::size_t frame,
                     std::size_t channel, Scratch::Buffers& buffers) {
    float* const out = buffers.front.data() + (frame + kTimePadding) * kMusicnnFrontChannels + channel;
    const std::size_t first = panel.first_octet * kOctet;
    for (std::size_t o = first; o < std::min(end.layout.filters, first + panel.octets * kOctet); ++o)
      out[o] = end.finish(largest[o - first], o);
  }

  void run_middle(Scratch::Buffers& buffers, Team::Member& member) const {
    const float* in = buffers.front.data();
    std::size_t in_channels = kMusicnnFrontChannels;
    for (std::size_t i = 0; i < middle.size(); ++i) {
      float* const out = buffers.middle[i].data() + kTimePadding * kMiddle;
      const float* const residual = i == 0 ? nullptr : in + kTimePadding * kMiddle;
      member.split(kFrames, member.threads(), [&](std::size_t first, std::size_t last) {
        multiply(middle[i].filters, {in + first * in_channels, in_channels, kMusicnnTimeKernel * in_channels},
                 last - first, {out + first * kMiddle, kMiddle}, kRelu);
        for (std::size_t at = first * kMiddle; at < last * kMiddle; ++at) {
          out[at] = middle[i].normalisation(out[at], at % kMiddle);
          if (residual) out[at] += residual[at];
        }
      });
      in = buffers.middle[i].data();
      in_channels = kMiddle;
    }
  }

  static void pool(const float* in, std::size_t channels, float* most, float* mean) {
    std::copy_n(in, channels, most);
    std::copy_n(in, channels, mean);
    for (std::size_t t = 1; t < kFrames; ++t) {
      const float* const row = in + t * channels;
      for (std::size_t c = 0; c < channels; ++c) {
        most[c] = std::max(most[c], row[c]);
        mean[c] += row[c];
      }
    }
    for (std::size_t c = 0; c < channels; ++c) mean[c] /= static_cast<float>(kFrames);
  }
};

Musicnn::Scratch::Scratch() : buffers_(std::make_shared<Buffers>()) {}

Musicnn::Musicnn(const TensorArchive& weights) : network_(std::make_shared<const Network>(weights)) {
  static_assert(kFrames == kMusicnnFrames && kBands == kMusicnnBands && kChannels == kMusicnnChannels &&
                kPenultimate == kMusicnnDense && kTags == kMusicnnTags);
}

void Musicnn::run(std::span<const float> patch, const Output& output, Scratch& scratch, int threads) const {
  if (patch.size() != kFrames * kBands || output.max_pool.size() != kChannels || output.mean_pool.size() != kChannels ||
      output.penultimate.size() != kPenultimate)
    throw Error(fmt::format("takes {} frames x {} bands, not {} values", kFrames, kBands, patch.size()), "Musicnn");
  Scratch::Buffers& buffers = *scratch.buffers_;
  const Network& network = *network_;
  network.normalise_input(patch, buffers);
  buffers.team.run(threads, [&](Team::Member& member) {
    network.run_front(buffers, member);
    network.run_middle(buffers, member);
  });

  constexpr std::size_t kFront = kMusicnnFrontChannels;
  Network::pool(buffers.front.data() + kTimePadding * kFront, kFront, output.max_pool.data(), output.mean_pool.data());
  for (std::size_t i = 0; i < 3; ++i) {
    Network::pool(buffers.middle[i].data() + kTimePadding * kMiddle, kMiddle,
                  output.max_pool.data() + kFront + i * kMiddle, output.mean_pool.data() + kFront + i * kMiddle);
  }
  for (std::size_t c = 0; c < kChannels; ++c) {
    buffers.pooled[2 * c] = network.pooled(output.max_pool[c], 2 * c);
    buffers.pooled[2 * c + 1] = network.pooled(output.mean_pool[c], 2 * c + 1);
  }
  multiply(network.dense, {buffers.pooled.data(), 2 * kChannels, 2 * kChannels}, 1,
           {buffers.hidden.data(), buffers.hidden.size(), nullptr}, kRelu);
  for (std::size_t i = 0; i < kPenultimate; ++i) output.penultimate[i] = network.hidden(buffers.hidden[i], i);
  if (output.tags.empty()) return;
  multiply(network.tags, {output.penultimate.data(), kPenultimate, kPenultimate}, 1,
           {buffers.tags.data(), buffers.tags.size(), nullptr});
  for (std::size_t i = 0; i < output.tags.size(); ++i) output.tags[i] = 1 / (1 + std::exp(-buffers.tags[i]));
}

}  // namespace genrewise
