// Architectures of the pretrained networks: one table per network, for reading weights and for inference. Private to
// this module.
#pragma once

#include <array>
#include <cstddef>

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

/// MobileNetV2 1.0 (Sandler et al. 2018, table 2).
inline constexpr std::size_t kMobileNetV2Stem = 32, kMobileNetV2Head = 1280;
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

/// EfficientAT mn04 (Schmid et al. 2023): MobileNetV3-Large of width 0.4.
inline constexpr std::size_t kEfficientAtStem = 8, kEfficientAtHead = 384, kEfficientAtHidden = 512,
                             kEfficientAtClasses = 527;
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
