#include "genrewise/jobs/predict_job.hpp"

#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/dataset/find_audio.hpp"

namespace genrewise {
namespace {

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
  PredictJobResult done;
  auto paths = find_audio(config.inputs, done.skipped);
  if (config.part) {
    if (paths.size() < config.part->count)
      throw UsageError(fmt::format("there are {} files, fewer than the {} parts", paths.size(), config.part->count),
                       "--part", "give fewer parts");
    Hasher hasher(HashKind::sha256);
    for (const auto& path : paths) hasher.update(path.native() + '\0');
    if (config.begin_part && !config.begin_part(paths.size(), hasher.hex())) return done;
    const auto [first, last] = part_range(paths.size(), *config.part);
    paths = {paths.begin() + static_cast<std::ptrdiff_t>(first), paths.begin() + static_cast<std::ptrdiff_t>(last)};
    if (config.part->number > 1) done.skipped.clear();  // the first part reports them
  }
  const Predictor predictor = open_predictor(
      {config.model, config.zero_shot, config.genres},
      {.windows = config.windows, .max_error = config.max_error.value_or(kMaxError)}, runtime.progress());
  done.labels = predictor.labels();
  set_threshold(config, predictor, runtime.progress(), done);
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
