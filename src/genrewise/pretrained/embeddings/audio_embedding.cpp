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
constexpr std::size_t kPatchFrames = Musicnn::kFrames;
constexpr std::size_t kTwo = 2;  // networks of musicnn: MSD, MTT

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
constexpr std::size_t kEfficientAtRuns = 4, kMusicnnRuns = 4;

struct AudioScratch final : FeatureSet::Scratch {
  EfficientAtFrontEnd::Scratch efficientat_mel;
  EfficientAt::Scratch efficientat;
  MusicnnFrontEnd::Scratch musicnn_mel;
  Musicnn::Scratch musicnn;
  std::vector<float> mel;
  std::array<std::vector<float>, std::size(kLayouts)> window;  // output for one window, by line of kLayouts
};

class AudioEmbedding final : public FeatureSet {
 public:
  AudioEmbedding(std::string name, const std::vector<EmbeddingPart>& parts) {
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
    const auto load = [&](std::size_t first_run, std::size_t runs, const char* network, auto& loaded) {
      const auto begin = first_columns_.begin() + static_cast<std::ptrdiff_t>(first_run);
      if (std::none_of(begin, begin + static_cast<std::ptrdiff_t>(runs),
                       [](const auto& column) { return column.has_value(); }))
        return;
      const TensorArchive weights = find_weights(network);
      loaded.emplace(weights);
      parameters += fmt::format("; {} {}", network, weights.metadata.at("values_sha256"));
    };
    load(0, kEfficientAtRuns, "efficientat", efficientat_);
    load(kEfficientAtRuns, kMusicnnRuns, "musicnn_msd", musicnn_[0]);
    load(kEfficientAtRuns + kMusicnnRuns, kMusicnnRuns, "musicnn_mtt", musicnn_[1]);
    recipe_ = make_recipe(std::move(name), 1, parameters);
  }

  const FeatureRecipe& recipe() const override { return recipe_; }
  const std::vector<FeatureColumn>& columns() const override { return columns_; }
  int sample_rate_hz() const override {
    return efficientat_ ? EfficientAtFrontEnd::kSampleRateHz : MusicnnFrontEnd::kSampleRateHz;
  }
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<AudioScratch>(); }

  Expected<void> extract(const Waveform& clip, std::span<float> out, Scratch& any_scratch) const override {
    if (clip.sample_rate_hz != sample_rate_hz()) {
      return tl::unexpected(Fault{
          "wrong sample rate", {}, fmt::format("{} Hz, and it takes {} Hz", clip.sample_rate_hz, sample_rate_hz())});
    }
    const std::size_t needed = samples_needed();
    if (clip.samples.size() < needed) return too_short(clip, needed);
    auto& scratch = static_cast<AudioScratch&>(any_scratch);
    std::ranges::fill(out, 0.0f);
    if (efficientat_) run_efficientat(clip.samples, out, scratch);
    if (musicnn_[0] || musicnn_[1]) {
      if (!efficientat_) {
        run_musicnn(clip.samples, out, scratch);
      } else {
        run_musicnn(resample(clip.samples, clip.sample_rate_hz, MusicnnFrontEnd::kSampleRateHz), out, scratch);
      }
    }
    return {};
  }

 private:
  /// Three seconds for musicnn, which requires whole patches; one for EfficientAT alone, which accepts any length.
  std::size_t samples_needed() const {
    const auto rate = static_cast<std::size_t>(sample_rate_hz());
    if (!musicnn_[0] && !musicnn_[1]) return rate;
    return MusicnnFrontEnd::samples_for(kPatchFrames) * rate / MusicnnFrontEnd::kSampleRateHz;
  }

  std::span<float> window(std::size_t run, AudioScratch& scratch) const {
    scratch.window[run].resize(kLayouts[run].size);
    return scratch.window[run];
  }
  /// The output buffer of a run; empty if the feature set does not contain it.
  std::span<float> output_of(std::size_t run, AudioScratch& scratch) const {
    return first_columns_[run] ? window(run, scratch) : std::span<float>();
  }
  void add(std::size_t first_run, std::size_t runs, float share, std::span<float> out, AudioScratch& scratch) const {
    for (std::size_t run = first_run; run < first_run + runs; ++run) {
      if (!first_columns_[run]) continue;
      for (std::size_t i = 0; i < kLayouts[run].size; ++i)
        out[*first_columns_[run] + i] += share * scratch.window[run][i];
    }
  }

  /// Windows of 10 s, evenly spread over the clip; their number is its length divided by 10 s, rounded, at least one.
  void run_efficientat(std::span<const float> samples, std::span<float> out, AudioScratch& scratch) const {
    efficientat_mel_.emphasise(samples, scratch.efficientat_mel);
    const std::size_t frames = efficientat_mel_.frames(samples.size());
    const std::size_t length = std::min(frames, kWindowFrames);
    const std::size_t windows = std::max<std::size_t>(1, (frames + kWindowFrames / 2) / kWindowFrames);
    scratch.mel.resize(EfficientAt::kBands * length);
    for (std::size_t i = 0; i < windows; ++i) {
      const std::size_t first = windows == 1 ? (frames - length) / 2 : i * (frames - length) / (windows - 1);
      efficientat_mel_.process(first, length, scratch.mel, scratch.efficientat_mel);
      efficientat_->run(scratch.mel, length,
                        {window(0, scratch), output_of(1, scratch), output_of(2, scratch), output_of(3, scratch)},
                        scratch.efficientat);
      add(0, kEfficientAtRuns, 1 / static_cast<float>(windows), out, scratch);
    }
  }

  /// Consecutive patches of 3 s; the remainder at the end is ignored.
  void run_musicnn(std::span<const float> samples, std::span<float> out, AudioScratch& scratch) const {
    const std::size_t patches = std::max<std::size_t>(1, musicnn_mel_.frames(samples.size()) / kPatchFrames);
    scratch.mel.resize(kPatchFrames * Musicnn::kBands);
    for (std::size_t i = 0; i < patches; ++i) {
      musicnn_mel_.process(samples, i * kPatchFrames, kPatchFrames, scratch.mel, scratch.musicnn_mel);
      for (std::size_t network = 0; network < kTwo; ++network) {
        if (!musicnn_[network]) continue;
        const std::size_t run = kEfficientAtRuns + network * kMusicnnRuns;
        musicnn_[network]->run(
            scratch.mel,
            {window(run + 1, scratch), window(run + 2, scratch), window(run, scratch), output_of(run + 3, scratch)},
            scratch.musicnn);
        add(run, kMusicnnRuns, 1 / static_cast<float>(patches), out, scratch);
      }
    }
  }

  FeatureRecipe recipe_;
  std::vector<FeatureColumn> columns_;
  std::array<std::optional<std::size_t>, std::size(kLayouts)> first_columns_;  // first column of each run
  EfficientAtFrontEnd efficientat_mel_;
  MusicnnFrontEnd musicnn_mel_;
  std::optional<EfficientAt> efficientat_;
  std::array<std::optional<Musicnn>, kTwo> musicnn_;
};

}  // namespace

FeatureSetDescriptor audio_embedding(std::string name, std::string title, std::string summary,
                                     std::vector<EmbeddingPart> parts) {
  constexpr const char* kNetworks[] = {"efficientat", "musicnn_msd", "musicnn_mtt"};
  constexpr std::size_t kEnds[] = {kEfficientAtRuns, kEfficientAtRuns + kMusicnnRuns, std::size(kLayouts)};
  FeatureSetDescriptor set{.name = name, .title = std::move(title), .summary = std::move(summary)};
  for (std::size_t i = 0, network = 0; i < std::size(kLayouts); ++i) {
    if (i == kEnds[network]) ++network;
    if (std::ranges::find(parts, kLayouts[i].part) == parts.end()) continue;
    set.columns += kLayouts[i].size;
    if (set.weights.empty() || set.weights.back() != kNetworks[network]) set.weights.emplace_back(kNetworks[network]);
  }
  const bool has_efficientat = set.weights.front() == kNetworks[0], has_musicnn = set.weights.back() != kNetworks[0];
  set.sample_rate_hz = has_efficientat ? EfficientAtFrontEnd::kSampleRateHz : MusicnnFrontEnd::kSampleRateHz;
  set.takes = has_musicnn ? "at least 3 s" : "at least 1 s";
  set.make = [name = std::move(name), parts = std::move(parts)] {
    return std::make_unique<AudioEmbedding>(name, parts);
  };
  return set;
}

}  // namespace genrewise
