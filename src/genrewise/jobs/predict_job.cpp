#include "genrewise/jobs/predict_job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/find_audio.hpp"
#include "genrewise/models/zero_shot.hpp"
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

Predictor open_model(const PredictJobConfig& config, Progress& progress) {
  const PredictOptions options{.windows = config.windows, .max_error = config.max_error.value_or(kMaxError)};
  if (config.zero_shot || config.model.empty()) return Predictor(zero_shot_model(config.genres, progress), options);
  if (!config.genres.empty()) {
    throw UsageError("a model has its own genres; they are chosen with --zero-shot", "--genres",
                     "leave the option out");
  }
  Model model = load_model(config.model);
  try {
    return Predictor(std::move(model), options);
  } catch (const UnknownName& error) {  // unknown features: adds the model to the message
    throw UnknownName(error.problem(), config.model.string(), error.remedy());
  } catch (const Error& error) {
    throw Error(error.problem(), config.model.string(), error.remedy());
  }
}

/// Sets the threshold that marks genres as unknown, and notes where there is none.
void set_threshold(const PredictJobConfig& config, const Predictor& predictor, Progress& progress,
                   PredictJobResult& done) {
  const Confidence& confidence = predictor.confidence();
  if (confidence.held_out > 0) {
    done.max_error = config.max_error.value_or(kMaxError);
    done.threshold = predictor.threshold();
    if (!done.threshold)
      progress.note(
          fmt::format("all genres are unknown: the least share of errors that the model reaches on held-out "
                      "examples is {:.2g}, not {:g} (--max-error; 1 marks none)",
                      confidence.least_error(), *done.max_error));
  } else if (config.max_error) {
    throw UsageError("the model stores no threshold of confidence", "--max-error", "leave the option out");
  } else if (!config.zero_shot && !config.model.empty()) {
    progress.note(config.model.string() + " stores no threshold of confidence, so no genre is marked unknown");
  }
}

}  // namespace

PredictJobResult predict_job(const PredictJobConfig& config, Runtime& runtime) {
  const UseRuntime use(runtime);
  const Predictor predictor = open_model(config, runtime.progress());
  PredictJobResult done;
  done.labels = predictor.labels();
  set_threshold(config, predictor, runtime.progress(), done);
  const auto paths = find_audio(config.inputs, done.skipped);
  auto predictions = predictor.predict_files(paths, runtime.progress());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!predictions[i]) continue;  // interrupted before it
    if (*predictions[i]) {
      done.files.push_back({paths[i], std::move(**predictions[i])});
    } else {
      done.skipped.push_back(predictions[i]->error());
    }
  }
  return done;
}

}  // namespace genrewise
