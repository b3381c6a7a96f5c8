// genrewise predict: audio files -> genres.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/jobs/predict_job.hpp"
#include "genrewise/predict/prediction_json.hpp"
#include "genrewise/storage/files.hpp"
#include "option_group.hpp"
#include "result_file.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;

constexpr char kExamples[] =
    "genrewise predict --model model.gwm song.mp3\n"
    "genrewise predict --model runs/fma/best.gwm ~/Music --top 1 --csv > genres.csv\n"
    "genrewise predict --model model.gwm --windows 10 --json mix.flac\n"
    "genrewise predict --model s3://bucket/model.gwm s3://bucket/music/ --part 3/64 -o s3://bucket/genres.csv\n"
    "genrewise predict song.mp3\n"
    "genrewise predict --genres Rock,Jazz,Hip-Hop ~/Music";

constexpr char kUnlike[] = "unlike the training music";

struct Options {
  PredictJobConfig job;
  std::size_t top = 3;
  PartOption part;
  IsolationOptions isolation;
  ResultFile file;
};

/// One row per genre for programs. `predictions`: as in the JSON.
std::string csv_of(const json& predictions) {
  Table table({{"file"}, {"rank"}, {"genre"}, {"confidence"}, {"unknown"}, {"novelty"}});
  for (const json& file : predictions)
    for (int rank = 0; const json& genre : file.at("genres"))
      table.add_row({file.at("file"), std::to_string(++rank), genre.at("genre"),
                     fmt::format("{:.6f}", genre.at("confidence").get<double>()),
                     file.at("unknown").get<bool>() ? "true" : "false",
                     file.at("novelty").is_null() ? "" : fmt::format("{:.3f}", file.at("novelty").get<double>())});
  return table.csv();
}

std::string text_of(const json& result, Format format) {
  return format == Format::csv ? csv_of(result.at("predictions")) : json_text(result);
}

class Printer {
 public:
  Printer(const std::vector<std::string>& labels, std::size_t top)
      : labels_(labels), top_(std::min(top, labels.size())) {}

  /// One row per file for people.
  Table table(const std::vector<PredictedFile>& files) const {
    using enum Table::Align;
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

json json_of(const Options& options, const PredictJobResult& done, const Printer& printer) {
  json files = json::array();
  for (const PredictedFile& file : done.files) files.push_back(printer.file(file));
  return {{"model", options.job.model.empty() ? "zero-shot" : options.job.model.string()},
          {"max_error", done.max_error ? json(*done.max_error) : json()},
          {"threshold", done.threshold ? json(*done.threshold) : json()},
          {"predictions", std::move(files)},
          {"skipped", done.skipped}};
}

/// What all parts of a job must have in common, besides their files.
std::vector<std::pair<std::string, std::string>> facts_of(const Options& options) {
  const PredictJobConfig& job = options.job;
  const std::string model = job.model.empty() ? "zero-shot " + job.genres : sha256_hex(read_file(job.model));
  return {{"command", "predict"},
          {"model", model},
          {"windows, max-error and top",
           fmt::format("{}, {}, {}", job.windows, job.max_error.value_or(kMaxError), options.top)}};
}

int run_part(Options& options, Session& session) {
  std::optional<ResultPart> part;
  options.job.begin_part = [&](std::size_t files, const std::string& sha256) {
    auto facts = facts_of(options);
    facts.emplace_back("dataset", fmt::format("{} files, {}", files, sha256.substr(0, 16)));
    part = options.file.begin(*options.job.part, std::move(facts));
    if (part) session.note(fmt::format("part {} was finished before", to_string(*options.job.part)));
    return !part;
  };
  const PredictJobResult done = predict_job(options.job, session.runtime);
  session.runtime.throw_if_interrupted();
  if (!part) {
    part = ResultPart{json_of(options, done, Printer(done.labels, options.top)), done.skipped};
    options.file.write_part(*options.job.part, *part);
  }
  return session.report_skipped(part->skipped, "inputs");
}

int run(Options& options, Session& session) {
  options.file.choose_format(session);
  options.isolation.apply();
  options.job.part = options.part.get(session);
  if (options.job.part && options.file.given()) return run_part(options, session);
  const PredictJobResult done = predict_job(options.job, session.runtime);
  const Printer printer(done.labels, options.top);
  if (options.file.given()) session.runtime.throw_if_interrupted();  // part of the results is printed, but not written
  if (session.format == Format::json || (session.format == Format::csv && !done.files.empty()))
    options.file.write(session, text_of(json_of(options, done, printer), session.format));
  else if (!done.files.empty())
    session.print(fitted(printer.table(done.files)));
  session.runtime.throw_if_interrupted();
  session.report_skipped(done.skipped, "inputs");
  if (done.files.empty()) throw Error("no input could be used", {}, "give audio files, or folders that hold some");
  return done.skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

MergedResult merge_predictions(std::vector<ResultPart> parts, Format format) {
  json all = std::move(parts.front().result);
  for (std::size_t i = 1; i < parts.size(); ++i)
    for (const char* const list : {"predictions", "skipped"})
      for (json& entry : parts[i].result.at(list)) all.at(list).push_back(std::move(entry));
  const std::size_t entries = all.at("predictions").size();
  if (entries == 0) throw Error("no input of the parts could be used", {}, "give audio files");
  return {text_of(all, format), entries};
}

void add_predict(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Predict the genres of audio files", .examples = kExamples};
  const auto [command, options] = session.add_command(app, "predict", text, run);
  OptionGroup(command, kData)
      .add("FILES", options.job.inputs, "",
           "Audio files, folders and prefixes with audio files at any depth, and lists of locations (.txt)")
      ->required();
  options.part.add_to(command,
                      "Predict this part of the files, in the order of their names, with -o for `genrewise merge`");
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
  options.file.add_to(command);
  at_least(output.add("-k,--top", options.top, "N", "Genres to print for each file"), 1)->capture_default_str();
  session.add_format_options(command);
}

}  // namespace genrewise::cli
