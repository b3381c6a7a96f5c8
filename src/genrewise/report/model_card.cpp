#include "genrewise/report/write_run.hpp"

#include <fmt/format.h>

#include "genrewise/report/formats.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

std::string text_of(const json& value) {
  return escape_markdown(value.is_string() ? value.get<std::string>() : value.dump());
}

std::string with_interval(const json& score) {
  return fmt::format("{} % (95 % interval {} %)", points_text(score.at("value")), interval_text(score));
}

std::string parameters_of(const json& model) {
  std::string text;
  for (const auto& [name, value] : model.at("parameters").items())
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", escape_markdown(name), text_of(value));
  return text.empty() ? "none" : text;
}

std::string training_text(const json& results, const json& model) {
  const json &dataset = results.at("dataset"), &split = results.at("split");
  std::string features = text_of(model.at("features"));
  for (const json& set : results.at("feature_sets")) {
    if (set.at("name") != model.at("features")) continue;
    features += fmt::format(", version {}, {} columns", set.at("version").dump(), set.at("columns").dump());
  }
  return fmt::format(
      "- Dataset: {} ({}), {} examples\n"
      "- Split: {}, seed {}; fitted on {} training and {} validation examples, evaluated on {} test examples\n"
      "- Features: {}\n"
      "- Parameters, chosen on the validation part: {}\n",
      text_of(dataset.at("name")), text_of(dataset.at("kind")), dataset.at("examples").dump(),
      text_of(split.at("scheme")), split.at("seed").dump(), split.at("training").dump(), split.at("validation").dump(),
      split.at("test").dump(), features, parameters_of(model));
}

std::string score_text(const json& results, const json& model) {
  std::string text = "- Accuracy: " + with_interval(model.at("accuracy")) + "\n";
  if (const json over = model.value("accuracy_over_groups", json()); !over.is_null())
    text += fmt::format("- Accuracy on other artists: 95 % interval {} % (resampling {} artists, albums or files)\n",
                        interval_text(over), over.at("groups").dump());
  text += fmt::format("- Macro-F1: {} %; log loss: {:.3f}\n", points_text(model.at("macro_f1")),
                      model.at("log_loss").get<double>());
  text += fmt::format("- Always predicting the most frequent genre: {} %\n",
                      points_text(results.at("baseline").at("accuracy").at("value")));
  if (model.contains("calibration"))
    text += fmt::format("- Expected calibration error of the probability of the predicted genre: {:.3f}\n",
                        model.at("calibration").at("ece").get<double>());
  if (const json confidence = model.value("confidence", json::object());
      !confidence.value("threshold", json()).is_null())
    text += fmt::format(
        "- Confidence of at least {:.3f}: {:.1f} % of {} held-out training examples, {:.1f} % of them right; "
        "`genrewise predict` marks genres below it as unknown\n",
        confidence.at("threshold").get<double>(), 100 * confidence.at("coverage").get<double>(),
        confidence.at("held_out").dump(), 100 * confidence.at("accuracy").get<double>());
  TextTable table = genre_table(model.at("genres"));
  table.columns.insert(table.columns.begin() + 1, {"training and validation"});
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const json& data = results.at("dataset").at("genres")[i];
    const std::size_t fitted = data.at("training").get<std::size_t>() + data.at("validation").get<std::size_t>();
    table.rows[i].cells.insert(table.rows[i].cells.begin() + 1, std::to_string(fitted));
  }
  return text + "\n" + markdown_table(table);
}

constexpr char kFrontMatter[] =
    "---\nlibrary_name: genrewise\ntags:\n- audio-classification\n- music-genre-classification\n---\n";

constexpr char kLimits[] =
    "The model assigns one of the genres below to every clip, also to music of other genres, speech and noise. Genres "
    "are conventions: the labels are those of the dataset, and people disagree about many tracks. It is meant for "
    "organising and exploring collections, with its probabilities as a guide; it is not meant for decisions about "
    "people, such as payments or the promotion of artists. Scores hold for music like that of the dataset; on other "
    "collections they are usually lower.\n";

}  // namespace

std::string model_card(const json& given, const std::string& sha256) {
  const json results = valid_utf8(given);
  const json& model = *find_model(results, results.at("best"));
  const bool of_audio = model.at("features") != "table";  // not a table of another program
  return fmt::format(
      "{}# {}: {} for music genres\n\n"
      "The best of {} models of a study, by validation accuracy. Written by genrewise {}, {}.\n\n"
      "| | |\n| --- | --- |\n| File | `best.gwm` |\n| SHA-256 | `{}` |\n\n"
      "## Intended use and limits\n\n{}\nOf this study:\n\n{}\n"
      "## Training\n\n{}\n"
      "## Scores on the test part\n\n{}\n"
      "## Use\n\n{}\n"
      "## Licence\n\nNot stated. The model was fitted on the dataset above; whether it may be passed on depends on the "
      "licences of that music and of its annotations. Enter the licence here before you publish the model.\n",
      kFrontMatter, text_of(results.at("name")), text_of(model.at("title")), results.at("models").size(),
      text_of(results.at("program_version")), text_of(results.at("created")), sha256, kLimits,
      markdown_list(results.at("notes").get<std::vector<std::string>>()), training_text(results, model),
      score_text(results, model),
      markdown_code(of_audio ? "genrewise predict --model best.gwm song.mp3\ngenrewise evaluate best.gwm DATASET"
                             : "genrewise evaluate best.gwm TABLE"));
}

}  // namespace genrewise
