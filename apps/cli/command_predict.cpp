// genrewise predict: audio files -> genres.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/jobs/predict_job.hpp"
#include "genrewise/predict/prediction_json.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;

constexpr char kExamples[] =
    "genrewise predict --model model.gwm song.mp3\n"
    "genrewise predict --model runs/fma/best.gwm ~/Music --top 1 --csv > genres.csv\n"
    "genrewise predict --model model.gwm --windows 10 --json mix.flac\n"
    "genrewise predict --model s3://bucket/model.gwm s3://bucket/music/ --part 3/64 --csv > genres-03.csv\n"
    "genrewise predict song.mp3\n"
    "genrewise predict --genres Rock,Jazz,Hip-Hop ~/Music";

constexpr char kUnlike[] = "unlike the training music";

struct Options {
  PredictJobConfig job;
  std::size_t top = 3;
  PartOption part;
  IsolationOptions isolation;
};

class Printer {
 public:
  Printer(const std::vector<std::string>& labels, std::size_t top)
      : labels_(labels), top_(std::min(top, labels.size())) {}

  /// One row per file for people, one row per genre for programs.
  Table table(const std::vector<PredictedFile>& files, Format format) const {
    using enum Table::Align;
    if (format == Format::csv) {
      Table table({{"file"}, {"rank"}, {"genre"}, {"confidence"}, {"unknown"}, {"novelty"}});
      for (const PredictedFile& file : files)
        for (std::size_t rank = 0; const std::size_t label : best(file.prediction.probabilities))
          table.add_row({file.path.string(), std::to_string(++rank), labels_[label],
                         fmt::format("{:.6f}", file.prediction.probabilities[label]),
                         file.prediction.unknown ? "true" : "false",
                         file.prediction.novelty ? fmt::format("{:.3f}", *file.prediction.novelty) : ""});
      return table;
    }
    Table table({{"file", left, Table::Overflow::path},
                 {"genre"},
                 {"confidence", right},
                 {top_ > 1 ? "next" : "", left, Table::Overflow::wrap}});
    for (const PredictedFile& file : files) {
      const auto order = best(file.prediction.probabilities);
      const auto percent = [&](std::size_t label) {
        return fmt::format("{:.1f} %", 100 * file.prediction.probabilities[label]);
      };
      std::string others;
      const bool unknown = file.prediction.unknown;
      for (std::size_t i = unknown ? 0 : 1; i < order.size(); ++i)
        others += (others.empty() ? "" : ", ") + labels_[order[i]] + " " + percent(order[i]);
      if (file.prediction.novelty.value_or(0) > 1) others += others.empty() ? kUnlike : fmt::format("; {}", kUnlike);
      table.add_row({file.path.string(), unknown ? "unknown" : labels_[order[0]], percent(order[0]), others});
    }
    return table;
  }

  json file(const PredictedFile& predicted) const {
    json document = prediction_json(predicted.prediction, labels_, top_);
    document["file"] = predicted.path.string();
    return document;
  }

 private:
  std::vector<std::size_t> best(std::span<const float> probabilities) const {
    auto order = ranked(probabilities);
    order.resize(top_);
    return order;
  }

  const std::vector<std::string>& labels_;
  std::size_t top_;
};

int run(Options& options, Session& session) {
  options.isolation.apply();
  options.job.part = options.part.get(session);
  const PredictJobResult done = predict_job(options.job, session.runtime);
  const Printer printer(done.labels, options.top);
  if (session.format == Format::json) {
    json files = json::array();
    for (const PredictedFile& file : done.files) files.push_back(printer.file(file));
    const std::string model = options.job.model.empty() ? "zero-shot" : options.job.model.string();
    session.print_json({{"model", model},
                        {"max_error", done.max_error ? json(*done.max_error) : json()},
                        {"threshold", done.threshold ? json(*done.threshold) : json()},
                        {"predictions", files},
                        {"skipped", done.skipped}});
  } else if (!done.files.empty()) {
    const Table table = printer.table(done.files, session.format);
    session.print(session.format == Format::csv ? table.csv() : fitted(table));
  }
  session.runtime.throw_if_interrupted();
  session.report_skipped(done.skipped, "inputs");
  if (done.files.empty()) throw Error("no input could be used", {}, "give audio files, or folders that hold some");
  return done.skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_predict(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Predict the genres of audio files", .examples = kExamples};
  const auto [command, options] = session.add_command(app, "predict", text, run);
  OptionGroup(command, kData)
      .add("FILES", options.job.inputs, "",
           "Audio files, folders and prefixes with audio files at any depth, and lists of locations (.txt)")
      ->required();
  options.part.add_to(command, "Predict this part of the files, in the order of their names");
  options.isolation.add_to(command);
  const OptionGroup models(command, kModel), output(command, kOutput);
  CLI::Option* model = models.add("-m,--model", options.job.model, "FILE", "A trained model, *.gwm");
  models
      .flag("--zero-shot", options.job.zero_shot,
            "Predict without a model (the default), from what a pretrained network recognises (docs/networks.md)")
      ->excludes(model);
  models.add("--genres", options.job.genres, "LIST", "Without a model: the genres to choose from, as A,B")
      ->default_str("all that are known");
  at_least(models.add("--windows", options.job.windows, "N",
                      "Windows of 30 s to analyse at most, spread over the track and averaged; 1: its middle only"),
           1)
      ->capture_default_str();
  in_share_range(models.add("--max-error", options.job.max_error, "RATE",
                            "Mark genres as unknown so that about this share of the others is wrong, by the model's "
                            "held-out predictions; 1: mark none"))
      ->default_str("0.1");
  at_least(output.add("-k,--top", options.top, "N", "Genres to print for each file"), 1)->capture_default_str();
  session.add_format_options(command);
}

}  // namespace genrewise::cli
