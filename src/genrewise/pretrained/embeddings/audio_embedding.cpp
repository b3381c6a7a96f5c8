// EfficientAT and musicnn on a clip, averaged over windows.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/pretrained/embeddings/embeddings.hpp"
#include "genrewise/pretrained/embeddings/front_ends.hpp"
#include "genrewise/pretrained/inference/efficientat.hpp"
#include "genrewise/pretrained/inference/musicnn.hpp"
#include "genrewise/pretrained/weights.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kWindowFrames = 1000;  // EfficientAT was trained on windows of 10 s
constexpr std::size_t kPatchFrames = Musicnn::kFrames, kPatchSize = kPatchFrames * Musicnn::kBands;
constexpr const char *kOnce = " at 16 kHz",
                     *kTwice = " at 16 kHz from 32 kHz";  // how samples for musicnn are resampled
constexpr const char* kNetworks[] = {"efficientat", "musicnn_msd", "musicnn_mtt"};
constexpr std::size_t kMusicnns = 2;

struct PartLayout {
  EmbeddingPart part;
  const char *feature, *statistic;
  std::size_t size;
};
// A part on two lines has two ranges of columns.
constexpr PartLayout kLayouts[] = {
    {EmbeddingPart::efficientat_penultimate, "efficientat", "penultimate", EfficientAt::kEmbedding},
    {EmbeddingPart::efficientat_pools, "efficientat_blocks", "mean", EfficientAt::kBlockChannels},
    {EmbeddingPart::efficientat_pools, "efficientat_blocks", "std", EfficientAt::kBlockChannels},
    {EmbeddingPart::efficientat_classes, "efficientat", "logit", EfficientAt::kClasses},
    {EmbeddingPart::msd_penultimate, "musicnn_msd", "penultimate", Musicnn::kPenultimate},
    {EmbeddingPart::msd_pools, "musicnn_msd", "max_pool", Musicnn::kChannels},
    {EmbeddingPart::msd_pools, "musicnn_msd", "mean_pool", Musicnn::kChannels},
    {EmbeddingPart::msd_tags, "musicnn_msd", "tag", Musicnn::kTags},
    {EmbeddingPart::mtt_penultimate, "musicnn_mtt", "penultimate", Musicnn::kPenultimate},
    {EmbeddingPart::mtt_pools, "musicnn_mtt", "max_pool", Musicnn::kChannels},
    {EmbeddingPart::mtt_pools, "musicnn_mtt", "mean_pool", Musicnn::kChannels},
    {EmbeddingPart::mtt_tags, "musicnn_mtt", "tag", Musicnn::kTags},
};
constexpr std::size_t kRunsOfNetwork = 4;  // lines of kLayouts of each of the networks, in their order

struct AudioScratch {
  EfficientAtFrontEnd::Scratch efficientat_mel;
  EfficientAt::Scratch efficientat;
  MusicnnFrontEnd::Scratch musicnn_mel;
  Musicnn::Scratch musicnn;
  std::vector<float> mel;
};

/// Outputs of a network, by line of kLayouts: those of one window, and their sums over the windows times `share`.
class Outputs {
 public:
  /// `first_run`: the first line of the network.
  void begin(std::size_t first_run) {
    for (std::size_t i = 0; i < kRunsOfNetwork; ++i) {
      window_[i].resize(kLayouts[first_run + i].size);
      sum_[i].assign(kLayouts[first_run + i].size, 0);
    }
  }
  std::span<float> window(std::size_t run) { return window_[run]; }
  void add(float share) {
    for (std::size_t i = 0; i < kRunsOfNetwork; ++i)
      for (std::size_t k = 0; k < sum_[i].size(); ++k) sum_[i][k] += share * window_[i][k];
  }
  std::span<const float> sum(std::size_t run) const { return sum_[run]; }

 private:
  std::array<std::vector<float>, kRunsOfNetwork> window_, sum_;
};

class AudioEmbedding final : public StoredFeatureSet {
 public:
  AudioEmbedding(std::string name, const std::vector<EmbeddingPart>& parts, int sample_rate_hz)
      : StoredFeatureSet({}, {}, sample_rate_hz) {
    std::string parameters = fmt::format(
        "efficientat windows of {} frames, musicnn patches of {} frames, means over them", kWindowFrames, kPatchFrames);
    std::size_t at = 0;
    for (std::size_t i = 0; i < std::size(kLayouts); ++i) {
      const PartLayout& run = kLayouts[i];
      if (std::ranges::find(parts, run.part) == parts.end()) continue;
      first_columns_[i] = at;
      at += run.size;
      parameters += fmt::format("; {} {}", run.feature, run.statistic);
      for (std::size_t n = 1; n <= run.size; ++n)
        columns_.push_back({run.feature, run.statistic, fmt::format("{:04}", n)});
    }
    const auto load = [&](std::size_t number, auto& loaded) {
      const auto begin = first_columns_.begin() + static_cast<std::ptrdiff_t>(number * kRunsOfNetwork);
      if (std::none_of(begin, begin + kRunsOfNetwork, [](const auto& column) { return column.has_value(); })) return;
      const TensorArchive weights = find_weights(kNetworks[number]);
      loaded.emplace(weights);
      keys_[number] = fmt::format("{} {}", kNetworks[number], weights.metadata.at("values_sha256"));
      parameters += "; " + keys_[number];
    };
    load(0, efficientat_);
    for (std::size_t i = 0; i < kMusicnns; ++i) load(1 + i, musicnn_[i]);
    recipe_ = make_recipe(std::move(name), 1, parameters);
  }

  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    const Waveform& wave = clip.at_rate(sample_rate_hz());
    const std::size_t needed = samples_needed();
    if (wave.samples.size() < needed) return too_short(wave, needed);
    if (efficientat_) write(0, efficientat_outputs(clip), out);
    for (std::size_t i = 0; i < kMusicnns; ++i)
      if (musicnn_[i]) write(1 + i, musicnn_outputs(i, clip), out);
    return {};
  }

 private:
  /// Three seconds for musicnn, which requires whole patches; one for EfficientAT alone, which accepts any length.
  std::size_t samples_needed() const {
    const auto rate = static_cast<std::size_t>(sample_rate_hz());
    if (!musicnn_[0] && !musicnn_[1]) return rate;
    return MusicnnFrontEnd::samples_for(kPatchFrames) * rate / MusicnnFrontEnd::kSampleRateHz;
  }

  void write(std::size_t network, const Outputs& outputs, std::span<float> out) const {
    for (std::size_t i = 0; i < kRunsOfNetwork; ++i)
      if (const auto column = first_columns_[network * kRunsOfNetwork + i])
        std::ranges::copy(outputs.sum(i), out.begin() + static_cast<std::ptrdiff_t>(*column));
  }

  /// Windows of 10 s, evenly spread over the clip; their number is its length divided by 10 s, rounded, at least one.
  const Outputs& efficientat_outputs(ClipAnalysis& clip) const {
    return clip.once<Outputs>(keys_[0], [&](Outputs& outputs) {
      const std::vector<float>& samples = clip.at_rate(EfficientAtFrontEnd::kSampleRateHz).samples;
      auto& scratch = clip.memory<AudioScratch>();
      efficientat_mel_.emphasise(samples, scratch.efficientat_mel);
      const std::size_t frames = efficientat_mel_.frames(samples.size());
      const std::size_t length = std::min(frames, kWindowFrames);
      const std::size_t windows = std::max<std::size_t>(1, (frames + kWindowFrames / 2) / kWindowFrames);
      scratch.mel.resize(EfficientAt::kBands * length);
      outputs.begin(0);
      for (std::size_t i = 0; i < windows; ++i) {
        const std::size_t first = windows == 1 ? (frames - length) / 2 : i * (frames - length) / (windows - 1);
        efficientat_mel_.process(first, length, scratch.mel, scratch.efficientat_mel);
        efficientat_->run(scratch.mel, length,
                          {outputs.window(0), outputs.window(1), outputs.window(2), outputs.window(3)},
                          scratch.efficientat);
        outputs.add(1 / static_cast<float>(windows));
      }
    });
  }

  /// Spectrograms of consecutive patches of 3 s; the remainder at the end is ignored. With EfficientAT the samples are
  /// resampled from its rate, else from the clip's.
  const std::vector<float>& musicnn_patches(ClipAnalysis& clip) const {
    constexpr int kRateHz = MusicnnFrontEnd::kSampleRateHz;
    return clip.once<std::vector<float>>(efficientat_ ? kTwice : kOnce, [&](std::vector<float>& mel) {
      std::vector<float> again;
      if (efficientat_) again = resample(clip.at_rate(sample_rate_hz()).samples, sample_rate_hz(), kRateHz);
      const std::vector<float>& samples = efficientat_ ? again : clip.at_rate(kRateHz).samples;
      const std::size_t patches = std::max<std::size_t>(1, musicnn_mel_.frames(samples.size()) / kPatchFrames);
      mel.resize(patches * kPatchSize);
      for (std::size_t i = 0; i < patches; ++i)
        musicnn_mel_.process(samples, i * kPatchFrames, kPatchFrames,
                             std::span(mel).subspan(i * kPatchSize, kPatchSize),
                             clip.memory<AudioScratch>().musicnn_mel);
    });
  }

  const Outputs& musicnn_outputs(std::size_t network, ClipAnalysis& clip) const {
    const std::string key = keys_[1 + network] + (efficientat_ ? kTwice : kOnce);
    return clip.once<Outputs>(key, [&](Outputs& outputs) {
      const std::span patches = musicnn_patches(clip);
      outputs.begin((1 + network) * kRunsOfNetwork);
      for (std::size_t at = 0; at < patches.size(); at += kPatchSize) {
        musicnn_[network]->run(patches.subspan(at, kPatchSize),
                               {outputs.window(1), outputs.window(2), outputs.window(0), outputs.window(3)},
                               clip.memory<AudioScratch>().musicnn);
        outputs.add(1 / static_cast<float>(patches.size() / kPatchSize));
      }
    });
  }

  std::array<std::string, std::size(kNetworks)> keys_;  // name and weights of each network that is used
  std::array<std::optional<std::size_t>, std::size(kLayouts)> first_columns_;  // first column of each run
  EfficientAtFrontEnd efficientat_mel_;
  MusicnnFrontEnd musicnn_mel_;
  std::optional<EfficientAt> efficientat_;
  std::array<std::optional<Musicnn>, kMusicnns> musicnn_;
};

}  // namespace

FeatureSetDescriptor audio_embedding(std::string name, std::string title, std::string summary,
                                     std::vector<EmbeddingPart> parts) {
  FeatureSetDescriptor set{.name = name, .title = std::move(title), .summary = std::move(summary)};
  for (std::size_t i = 0; i < std::size(kLayouts); ++i) {
    if (std::ranges::find(parts, kLayouts[i].part) == parts.end()) continue;
    set.columns += kLayouts[i].size;
    const char* const network = kNetworks[i / kRunsOfNetwork];
    if (set.weights.empty() || set.weights.back() != network) set.weights.emplace_back(network);
  }
  const bool has_efficientat = set.weights.front() == kNetworks[0], has_musicnn = set.weights.back() != kNetworks[0];
  set.sample_rate_hz = has_efficientat ? EfficientAtFrontEnd::kSampleRateHz : MusicnnFrontEnd::kSampleRateHz;
  set.takes = has_musicnn ? "at least 3 s" : "at least 1 s";
  set.make = [name = std::move(name), parts = std::move(parts), rate_hz = set.sample_rate_hz] {
    return std::make_unique<AudioEmbedding>(name, parts, rate_hz);
  };
  return set;
}

}  // namespace genrewise
