// Prints the genres of audio files: decodes each, extracts the feature set fma518 and predicts with a model written by
// `genrewise train MUSIC --features fma518 --model svm -o MODEL.gwm`.
// (genrewise/predict/predict.hpp does all of this in one class, for any feature set and several windows per track.)
#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/models/model.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace {

/// Prints the library's notes on standard error; without a Progress the library is silent.
class Log : public genrewise::Progress {
 public:
  void note(std::string_view text) override { std::fprintf(stderr, "%s\n", std::string(text).c_str()); }
};

/// Genre probabilities of the middle 30 s of a file, by label; a Fault if the file cannot be used.
genrewise::Expected<std::vector<float>> genres_of(const char* path, const genrewise::Model& model,
                                                  const genrewise::FeatureSet& features) {
  const auto clip = genrewise::decode_file(path, {.clip = genrewise::kDefaultClip});
  if (!clip) return tl::unexpected(clip.error());
  genrewise::Matrix row(1, features.size());
  if (const auto extracted = features.extract(*clip, row.row(0)); !extracted) return tl::unexpected(extracted.error());
  const genrewise::Matrix probabilities = model.predict_probabilities(row);
  return std::vector<float>(probabilities.row(0).begin(), probabilities.row(0).end());
}

void print(const char* path, const std::vector<std::string>& labels, const std::vector<float>& probabilities) {
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) { return probabilities[i]; });
  std::printf("%s:", path);
  for (const std::size_t i : order) std::printf(" %s %.0f %%", labels[i].c_str(), 100 * probabilities[i]);
  std::printf("\n");
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: %s MODEL.gwm AUDIO_FILE...\n", arguments[0]);
    return 1;
  }
  try {
    Log log;
    genrewise::Runtime runtime({.threads = 1, .progress = &log});
    const genrewise::UseRuntime use(runtime);
    const genrewise::Model model = genrewise::load_model(arguments[1]);
    const auto features = genrewise::make_feature_set("fma518");
    model.require_features(features->recipe(), features->columns());
    int skipped = 0;
    for (int i = 2; i < count; ++i) {
      if (const auto probabilities = genres_of(arguments[i], model, *features)) {
        print(arguments[i], model.labels, *probabilities);
      } else {
        std::fprintf(stderr, "%s\n", to_string(probabilities.error()).c_str());
        ++skipped;
      }
    }
    return skipped == 0 ? 0 : 3;
  } catch (const genrewise::Error& error) {  // what, where, remedy
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
