// Architectures of the pretrained networks: one table per network, for reading weights and for inference. Private to
// this module.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace genrewise {

/// An inverted residual block: 1 x 1 expansion, k x k depthwise, (squeeze-and-excitation), 1 x 1 projection; its input
/// is added where the stride is 1 and the number of channels is unchanged.
struct InvertedResidual {
  std::size_t in = 0, expanded = 0, out = 0, kernel = 3, stride = 1;
  std::size_t squeezed = 0;  ///< channels between the two layers of the squeeze-and-excitation; 0: none
  bool hard_swish = false;   ///< EfficientAT: hard-swish instead of ReLU
  constexpr bool expands() const { return expanded != in; }
  constexpr bool residual() const { return stride == 1 && in == out; }
};

enum class Padding {
  same,       ///< TensorFlow's SAME: with stride 2, even sizes are padded only at the bottom and right
  symmetric,  ///< PyTorch's usual (kernel - 1) / 2 on each side
};

struct MobileNetConfig {
  std::span<const InvertedResidual> blocks;
  std::size_t in_channels = 3, stem_channels = 32, head_channels = 1280;
  Padding padding = Padding::same;
  bool mobile_net_v3 = false;  ///< hard-swish in stem and head, ReLU or hard-swish in the blocks; else ReLU6 everywhere
};

/// MobileNetV2 1.0 (Sandler et al. 2018, table 2).
inline constexpr std::array<InvertedResidual, 17> kMobileNetV2Blocks = {{
    {32, 32, 16, 3, 1},
    {16, 96, 24, 3, 2},
    {24, 144, 24, 3, 1},
    {24, 144, 32, 3, 2},
    {32, 192, 32, 3, 1},
    {32, 192, 32, 3, 1},
    {32, 192, 64, 3, 2},
    {64, 384, 64, 3, 1},
    {64, 384, 64, 3, 1},
    {64, 384, 64, 3, 1},
    {64, 384, 96, 3, 1},
    {96, 576, 96, 3, 1},
    {96, 576, 96, 3, 1},
    {96, 576, 160, 3, 2},
    {160, 960, 160, 3, 1},
    {160, 960, 160, 3, 1},
    {160, 960, 320, 3, 1},
}};
inline constexpr MobileNetConfig kMobileNetV2Body{kMobileNetV2Blocks, 3, 32, 1280, Padding::same, false};

/// EfficientAT mn04 (Schmid et al. 2023): MobileNetV3-Large of width 0.4.
inline constexpr std::size_t kEfficientAtHidden = 512, kEfficientAtClasses = 527;
inline constexpr std::array<InvertedResidual, 15> kEfficientAtBlocks = {{
    {8, 8, 8, 3, 1},
    {8, 24, 16, 3, 2},
    {16, 32, 16, 3, 1},
    {16, 32, 16, 5, 2, 8},
    {16, 48, 16, 5, 1, 16},
    {16, 48, 16, 5, 1, 16},
    {16, 96, 32, 3, 2, 0, true},
    {32, 80, 32, 3, 1, 0, true},
    {32, 72, 32, 3, 1, 0, true},
    {32, 72, 32, 3, 1, 0, true},
    {32, 192, 48, 3, 1, 48, true},
    {48, 272, 48, 3, 1, 72, true},
    {48, 272, 64, 5, 2, 72, true},
    {64, 384, 64, 5, 1, 96, true},
    {64, 384, 64, 5, 1, 96, true},
}};
inline constexpr MobileNetConfig kEfficientAtBody{kEfficientAtBlocks, 1, 8, 384, Padding::symmetric, true};

/// The names of a body's layers in its weights: of a convolution NAME.weight and NAME.bias, or, for a MobileNetV3,
/// NAME.0.weight and NAME.1.* of its batch normalisation; of a dense layer NAME.weight and NAME.bias.
struct BodyNames {
  struct Block {
    std::string expand, depthwise, squeeze, excite, project;
  };
  std::string stem, head;
  std::vector<Block> blocks;
};
BodyNames names_of(const MobileNetConfig& body);

/// Multiplies a convolution's filters by the scale of its batch normalisation (epsilon 1e-3), and returns the remaining
/// bias.
std::vector<float> fold_normalisation(std::vector<float>& filters, std::span<const float> gamma,
                                      std::span<const float> beta, std::span<const float> mean,
                                      std::span<const float> variance);

/// musicnn (Pons and Serra 2019).
struct MusicnnFilters {
  std::size_t frames = 0, bands = 0;  ///< filter size
  std::size_t filters = 0;
};
inline constexpr std::size_t kMusicnnFrames = 187, kMusicnnBands = 96, kMusicnnTimeKernel = 7, kMusicnnMiddle = 64,
                             kMusicnnDense = 200, kMusicnnTags = 50;
inline constexpr std::array<MusicnnFilters, 5> kMusicnnFrontEnds = {
    {{7, 38, 204}, {7, 67, 204}, {128, 1, 51}, {64, 1, 51}, {32, 1, 51}}};
inline constexpr std::size_t kMusicnnFrontChannels = 2 * 204 + 3 * 51;                       // 561
inline constexpr std::size_t kMusicnnChannels = kMusicnnFrontChannels + 3 * kMusicnnMiddle;  // 753

}  // namespace genrewise
