#include <fmt/format.h>
#include <fmt/ranges.h>

#include "genrewise/base/text.hpp"
#include "genrewise/models/zero_shot.hpp"
#include "genrewise/predict/predict.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/pretrained/weights.hpp"

namespace genrewise {
namespace {

/// The networks of zero-shot predictions whose weights are present. Throws Error where none are.
ZeroShotNetwork zero_shot_network(Progress& progress) {
  const bool efficientat = has_weights("efficientat");
  const bool musicnn = has_weights("musicnn_msd") && has_weights("musicnn_mtt");
  if (efficientat && musicnn) return ZeroShotNetwork::both;
  if (efficientat || musicnn) {
    progress.note(efficientat
                      ? "predicting by EfficientAT's classes alone; with musicnn's tags predictions are better: "
                        "genrewise fetch weights musicnn"
                      : "predicting by musicnn's tags alone; EfficientAT has classes of more genres: "
                        "genrewise fetch weights efficientat");
    return efficientat ? ZeroShotNetwork::efficientat : ZeroShotNetwork::musicnn;
  }
  std::vector<std::string> searched;
  for (const auto& location : weights_locations()) searched.push_back(location.string());
  throw Error("predicting without a model needs a pretrained network, and there are no weights of one",
              fmt::format("{}", fmt::join(searched, ", ")),
              "get some with `genrewise fetch weights musicnn` (or efficientat), or give a model with --model");
}

/// Zero-shot model: genres from the sounds or tags that a pretrained network recognises.
Model zero_shot_model(const std::string& genres, Progress& progress) {
  const ZeroShotNetwork network = zero_shot_network(progress);
  Parameters parameters = {{"network", std::string(to_string(network))}};
  if (!genres.empty()) parameters["genres"] = genres;
  const auto set = make_feature_set(zero_shot_features(network));
  Model model;
  model.classifier = make_classifier("zeroshot", parameters, kDefaultSeed);
  model.recipe = set->recipe();
  model.columns = set->columns();
  for (const std::string& genre : split_text(model.classifier->parameters().at("genres"), ','))
    if (!trimmed(genre).empty()) model.labels.emplace_back(trimmed(genre));
  if (model.labels.empty()) model.labels = zero_shot_genres(network);
  return model;
}

}  // namespace

Predictor open_predictor(const ModelChoice& choice, const PredictOptions& options, Progress& progress) {
  if (choice.zero_shot || choice.model.empty()) return Predictor(zero_shot_model(choice.genres, progress), options);
  if (!choice.genres.empty()) {
    throw UsageError("a model has its own genres; they are chosen with --zero-shot", "--genres",
                     "leave the option out");
  }
  Model model = load_model(choice.model);
  try {
    return Predictor(std::move(model), options);
  } catch (const UnknownName& error) {  // unknown features: adds the model to the message
    throw UnknownName(error.problem(), choice.model.string(), error.remedy());
  } catch (const Error& error) {
    throw Error(error.problem(), choice.model.string(), error.remedy());
  }
}

}  // namespace genrewise
