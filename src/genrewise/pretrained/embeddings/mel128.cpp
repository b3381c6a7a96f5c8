// mel128: the log-mel spectrogram for fine-tuning EfficientAT.
#include <fmt/format.h>

#include "genrewise/pretrained/embeddings/embeddings.hpp"
#include "genrewise/pretrained/embeddings/front_ends.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kFrames = 1000;  // 100 per second

struct Mel128Scratch {
  EfficientAtFrontEnd::Scratch front_end;
  std::vector<float> part;
};

class Mel128 final : public StoredFeatureSet {
 public:
  Mel128()
      : StoredFeatureSet(
            make_recipe("mel128", 1,
                        fmt::format("EfficientAT front end, {} Hz, {} bands, middle {} frames, zeros behind",
                                    EfficientAtFrontEnd::kSampleRateHz, EfficientAtFrontEnd::kBands, kFrames)),
            {}, EfficientAtFrontEnd::kSampleRateHz) {
    for (std::size_t m = 1; m <= EfficientAtFrontEnd::kBands; ++m)
      for (std::size_t t = 1; t <= kFrames; ++t)
        columns_.push_back({"log_mel", "mel" + zero_padded(m, 3), "frame" + zero_padded(t, 4)});
  }

  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    const Waveform& wave = clip.at_rate(sample_rate_hz());
    constexpr std::size_t kLeast = EfficientAtFrontEnd::kSampleRateHz / 10;
    if (wave.samples.size() < kLeast) return too_short(wave, kLeast);
    auto& scratch = clip.memory<Mel128Scratch>();
    const std::size_t there = front_end_.frames(wave.samples.size()), taken = std::min(kFrames, there);
    front_end_.emphasise(wave.samples, scratch.front_end);
    if (taken == kFrames) {
      front_end_.process((there - taken) / 2, taken, out, scratch.front_end);
      return {};
    }
    scratch.part.resize(EfficientAtFrontEnd::kBands * taken);
    front_end_.process(0, taken, scratch.part, scratch.front_end);
    std::ranges::fill(out, 0.0F);
    for (std::size_t m = 0; m < EfficientAtFrontEnd::kBands; ++m)
      std::copy_n(scratch.part.begin() + static_cast<std::ptrdiff_t>(m * taken), taken,
                  out.begin() + static_cast<std::ptrdiff_t>(m * kFrames));
    return {};
  }

 private:
  EfficientAtFrontEnd front_end_;
};

}  // namespace

FeatureSetDescriptor mel128_features() {
  return {.name = "mel128",
          .title = "EfficientAT's log-mel spectrogram",
          .summary = "128 mel bands x 1,000 frames of the middle ten seconds, which EfficientAT is trained on",
          .columns = EfficientAtFrontEnd::kBands * kFrames,
          .shape = "128 bands x 1,000 frames",
          .sample_rate_hz = EfficientAtFrontEnd::kSampleRateHz,
          .takes = "at least 0.1 s",
          .make = [] { return std::make_unique<Mel128>(); }};
}

}  // namespace genrewise
