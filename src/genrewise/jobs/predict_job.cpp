#include "genrewise/jobs/predict_job.hpp"

#include "genrewise/base/text.hpp"
#include "genrewise/base/usage_error.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise {
namespace {

/// Zero-shot model: genres from the sounds that a pretrained network recognises.
Model zero_shot_model(const std::string& genres) {
  Parameters parameters;
  if (!genres.empty()) parameters["genres"] = genres;
  const auto set = make_feature_set("efficientat_classes");
  Model model;
  model.classifier = make_classifier("zeroshot", parameters, kDefaultSeed);
  model.recipe = set->recipe();
  model.columns = set->columns();
  for (const std::string& genre : split_text(model.classifier->parameters().at("genres"), ',')) {
    model.labels.emplace_back(trimmed(genre));
  }
  return model;
}

Predictor open_model(const PredictJobConfig& config) {
  if (config.zero_shot) return Predictor(zero_shot_model(config.genres), {.windows = config.windows});
  if (!config.genres.empty()) {
    throw UsageError("a model has its own genres; they are chosen with --zero-shot", "--genres",
                     "leave the option out");
  }
  Model model = load_model(config.model);
  try {
    return Predictor(std::move(model), {.windows = config.windows});
  } catch (const UnknownName& error) {  // unknown features: adds the model to the message
    throw UnknownName(error.problem(), config.model.string(), error.remedy());
  } catch (const Error& error) {
    throw Error(error.problem(), config.model.string(), error.remedy());
  }
}

}  // namespace

PredictJobResult predict_job(const PredictJobConfig& config, Runtime& runtime) {
  const UseRuntime use(runtime);
  const Predictor predictor = open_model(config);
  PredictJobResult done;
  done.labels = predictor.labels();
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
