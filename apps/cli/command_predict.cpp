// genrewise predict: audio files -> genres.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/base/faults.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/predict/predict.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;

constexpr char kExamples[] =
    "genrewise predict --model model.gwm song.mp3\n"
    "genrewise predict --model runs/fma/best.gwm ~/Music --top 1 --csv > genres.csv\n"
    "genrewise predict --model model.gwm --windows 10 --json mix.flac\n"
    "genrewise predict --zero-shot --genres Rock,Jazz,Hip-Hop ~/Music";

struct Options {
  std::string model;
  bool zero_shot = false;
  std::string genres;
  std::vector<std::string> places;
  std::size_t top = 3;
  int windows = PredictOptions{}.windows;
};

struct Heard {
  std::filesystem::path path;
  Prediction prediction;
};

class Printer {
 public:
  Printer(const std::vector<std::string>& labels, std::size_t top)
      : labels_(labels), top_(std::min(top, labels.size())) {}

  /// For people one row a file, for programs one row a genre.
  Table table(const std::vector<Heard>& heard, Format format) const {
    using enum Table::Align;
    if (format == Format::csv) {
      Table table({{"file"}, {"rank"}, {"genre"}, {"confidence"}});
      for (const Heard& file : heard)
        for (std::size_t rank = 0; const std::size_t label : best(file.prediction.probabilities))
          table.add_row({file.path.string(), std::to_string(++rank), labels_[label],
                         fmt::format("{:.6f}", file.prediction.probabilities[label])});
      return table;
    }
    Table table({{"file"}, {"genre"}, {"confidence", right}, {top_ > 1 ? "then" : ""}});
    for (const Heard& file : heard) {
      const auto order = best(file.prediction.probabilities);
      const auto percent = [&](std::size_t label) {
        return fmt::format("{:.1f} %", 100 * file.prediction.probabilities[label]);
      };
      std::string others;
      for (std::size_t i = 1; i < order.size(); ++i)
        others += (i > 1 ? ", " : "") + labels_[order[i]] + " " + percent(order[i]);
      table.add_row({file.path.string(), labels_[order[0]], percent(order[0]), others});
    }
    return table;
  }

  json file(const Heard& heard) const {
    json windows = json::array();
    for (const WindowPrediction& window : heard.prediction.windows)
      windows.push_back(
          {{"start_s", window.start_s}, {"duration_s", window.duration_s}, {"genres", genres(window.probabilities)}});
    return {{"file", heard.path.string()},
            {"duration_s", heard.prediction.duration_s},
            {"genres", genres(heard.prediction.probabilities)},
            {"windows", windows}};
  }

 private:
  std::vector<std::size_t> best(std::span<const float> probabilities) const {
    auto order = ranked(probabilities);
    order.resize(top_);
    return order;
  }
  json genres(std::span<const float> probabilities) const {
    json list = json::array();
    for (const std::size_t label : best(probabilities))
      list.push_back({{"genre", labels_[label]}, {"confidence", probabilities[label]}});
    return list;
  }

  const std::vector<std::string>& labels_;
  std::size_t top_;
};

/// No model: genres by the sounds that a network knows already (kinds and feature set of the neural half).
Model zero_shot_model(const Options& options) {
  Parameters parameters;
  if (!options.genres.empty()) parameters["genres"] = options.genres;
  const auto set = make_feature_set("efficientat_classes");
  Model model;
  model.classifier = make_classifier("zeroshot", parameters, kDefaultSeed);
  model.recipe = set->recipe();
  model.columns = set->columns();
  for (const std::string& genre : CLI::detail::split(model.classifier->parameters().at("genres"), ','))
    model.labels.push_back(CLI::detail::trim_copy(genre));
  return model;
}

Predictor open_model(const Options& options) {
  if (options.zero_shot) return Predictor(zero_shot_model(options), {.windows = options.windows});
  Model model = load_model(options.model);
  try {
    return Predictor(std::move(model), {.windows = options.windows});
  } catch (const UnknownName& error) {  // features that this program cannot make: which model asks for them?
    throw UnknownName(error.problem(), options.model, error.remedy());
  } catch (const Error& error) {
    throw Error(error.problem(), options.model, error.remedy());
  }
}

int predict(const Options& options, Session& session) {
  const Predictor predictor = open_model(options);
  std::vector<Fault> skipped;
  const std::vector<std::filesystem::path> places(options.places.begin(), options.places.end());
  const auto paths = find_audio(places, skipped);
  const auto predictions = predictor.predict_files(paths, session.progress());

  std::vector<Heard> heard;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!predictions[i]) continue;  // interrupted before it
    if (*predictions[i]) {
      heard.push_back({paths[i], **predictions[i]});
    } else {
      skipped.push_back(predictions[i]->error());
    }
  }
  const Printer printer(predictor.labels(), options.top);
  if (session.format == Format::json) {
    json files = json::array();
    for (const Heard& file : heard) files.push_back(printer.file(file));
    session.print_json(
        {{"model", options.zero_shot ? "zero-shot" : options.model}, {"predictions", files}, {"skipped", skipped}});
  } else if (!heard.empty()) {
    const Table table = printer.table(heard, session.format);
    session.print(session.format == Format::csv ? table.csv() : table.text());
  }
  throw_if_interrupted();
  session.report_skipped(skipped, "inputs");
  if (heard.empty()) throw Error("no input could be used");
  return skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_predict(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = session.add_command(app, "predict", "tell the genres of audio files", kExamples,
                                          [options, &session] { return predict(*options, session); });
  auto* choice = command->add_option_group("model");
  choice->add_option("--model,-m", options->model, "a trained model (.gwm)");
  choice->add_flag("--zero-shot", options->zero_shot,
                   "no model: genres from the sounds that a pretrained network hears (docs/networks.md)");
  choice->require_option(1);
  command->add_option("--genres", options->genres,
                      "with --zero-shot: the genres to choose from, A,B,... (default: all that it knows)");
  command->add_option("files", options->places, "audio files, and folders to walk with all below them")->required();
  command->add_option("--top,-k", options->top, "how many genres to print for each file")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--windows", options->windows,
                   "hear at most so many windows of 30 s, spread over the track, and average; 1: its middle only")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  session.add_format_options(command);
}

}  // namespace genrewise::cli
