#include "genrewise/report/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "genrewise/base/json_file.hpp"
#include "genrewise/report/charts.hpp"
#include "genrewise/report/page.hpp"
#include "genrewise/study/run_document.hpp"
#include "report_sources.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr std::size_t kMistakesShown = 6;

std::string points(double share) {
  return fmt::format("{:.1f}", 100 * share);
}

/// Parameters chosen on validation; empty if there was no choice.
std::string chosen_text(const json& model) {
  const json& tried = model.at("validation").at("tried");
  if (tried.size() < 2) return "";
  std::string text;
  for (const auto& [name, ignored] : tried[0].at("parameters").items()) {
    text +=
        fmt::format("{}{} = {}", text.empty() ? "" : ", ", name, model.at("parameters").at(name).get<std::string>());
  }
  return text;
}

std::string versus_text(const json& model) {
  if (!model.contains("versus_best")) return "";
  const json& versus = model.at("versus_best");
  const double p = versus.at("p_value");
  if (p >= 0.05) return fmt::format("no significant difference from the best (p = {:.2f})", p);
  const char* word = versus.at("only_this") < versus.at("only_best") ? "worse" : "better";
  return p < 0.001 ? fmt::format("{} than the best (p < 0.001)", word)
                   : fmt::format("{} than the best (p = {:.3f})", word, p);
}

json top3_of(const json& scores) {
  for (const json& score : scores.at("top_k")) {
    if (score.at("k") == 3) return percent(score.at("value"));
  }
  return nullptr;
}

json tried_chart(const json& model) {
  const json& tried = model.at("validation").at("tried");
  if (tried.size() < 2) return nullptr;
  std::vector<TriedValue> values;
  std::string parameter;
  for (const json& point : tried) {
    if (point.contains("error")) continue;
    TriedValue value{.name = "", .score = point.at("accuracy"), .chosen = true, .folds = {}};
    parameter.clear();
    for (const auto& [name, text] : point.at("parameters").items()) {
      value.chosen = value.chosen && model.at("parameters").at(name) == text;
      value.name += fmt::format("{}{}", value.name.empty() ? "" : " ", text.get<std::string>());
      parameter += fmt::format("{}{}", parameter.empty() ? "" : ", ", name);
    }
    values.push_back(value);
  }
  return {{"title", model.at("title")}, {"chart", tried_svg(values, parameter)}};
}

json mistakes_of(const json& model, const std::vector<std::string>& labels) {
  struct Mistake {
    std::size_t truth, predicted, count, total;
  };
  std::vector<Mistake> mistakes;
  const auto confusion = model.at("confusion").get<std::vector<std::vector<std::size_t>>>();
  for (std::size_t truth = 0; truth < labels.size(); ++truth) {
    std::size_t total = 0;
    for (const std::size_t count : confusion[truth]) total += count;
    for (std::size_t predicted = 0; predicted < labels.size(); ++predicted) {
      if (predicted != truth && confusion[truth][predicted] > 0)
        mistakes.push_back({truth, predicted, confusion[truth][predicted], total});
    }
  }
  std::ranges::stable_sort(mistakes, std::greater<>(), &Mistake::count);
  if (mistakes.size() > kMistakesShown) mistakes.resize(kMistakesShown);
  json shown = json::array();
  for (const Mistake& mistake : mistakes) {
    shown.push_back({{"truth", labels[mistake.truth]},
                     {"predicted", labels[mistake.predicted]},
                     {"count", mistake.count},
                     {"total", mistake.total}});
  }
  return shown;
}

/// Builds the view of the template from the document of results.json.
class Page {
 public:
  explicit Page(const json& results)
      : results_(results),
        labels_(results.at("labels").get<std::vector<std::string>>()),
        chance_(results.at("baseline")) {
    double highest = chance_.at("accuracy").at("high");
    for (const json& model : results.at("models")) {
      if (!model.contains("error")) highest = std::max(highest, model.at("accuracy").at("high").get<double>());
    }
    axis_ = {std::min(1.0, std::ceil(highest * 10) / 10), chance_.at("accuracy").at("value")};
  }

  json view() const {
    json view = facts();
    view["models"] = json::array();
    view["fitted"] = json::array();
    view["tried"] = json::array();
    view["best"] = nullptr;
    for (const json& model : results_.at("models")) add_model(view, model);
    view["models"].push_back(row(chance_, false));
    view["models"].back()["versus"] = "";
    view["has_models"] = !view["fitted"].empty();
    view["has_tried"] = !view["tried"].empty();
    view["has_top3"] = !top3_of(chance_).is_null();
    view["model_count"] = results_.at("models").size();
    view["f1_rows"] = f1_rows();
    view["data"] = data_rows();
    view["variance"] = variances();
    view["has_variance"] = !view["variance"].empty();
    view["ablation"] = ablation();
    return view;
  }

 private:
  json row(const json& model, bool is_best) const {
    const json& accuracy = model.at("accuracy");
    const std::string label = fmt::format("{}, 95 % interval {} to {}", percent(accuracy.at("value")),
                                          points(accuracy.at("low")), percent(accuracy.at("high")));
    return {{"name", model.at("name")},
            {"title", model.at("title")},
            {"is_best", is_best},
            {"chosen", model.contains("parameters") ? chosen_text(model) : ""},
            {"trained_on", trained_on(model)},
            {"error", nullptr},
            {"accuracy", percent(accuracy.at("value"))},
            {"low", points(accuracy.at("low"))},
            {"high", percent(accuracy.at("high"))},
            {"bar", interval_svg(axis_, accuracy.at("value"), accuracy.at("low"), accuracy.at("high"), label, is_best)},
            {"versus", versus_text(model)},
            {"macro_f1", points(model.at("macro_f1"))},
            {"log_loss", fmt::format("{:.3f}", model.at("log_loss").get<double>())},
            {"top3", top3_of(model)},
            {"validation", percent(model.at("validation").at("accuracy").at("value"))},
            {"fit", model.contains("fit_s") ? duration_text(model.at("fit_s")) : ""},
            {"predict", model.contains("predict_s") ? duration_text(model.at("predict_s")) : ""}};
  }

  /// Feature set of the model, if the study has several.
  json trained_on(const json& model) const {
    const bool several = results_.at("feature_sets").size() > 1;
    return several ? model.value("features", json()) : json();
  }

  void add_model(json& view, const json& model) const {
    if (model.contains("error")) {
      view["models"].push_back({{"title", model.at("title")},
                                {"chosen", ""},
                                {"trained_on", trained_on(model)},
                                {"error", model.at("error")}});
      return;
    }
    const bool is_best = model.at("name") == results_.at("best");
    json shown = row(model, is_best);
    view["models"].push_back(shown);
    const auto confusion = model.at("confusion").get<std::vector<std::vector<std::size_t>>>();
    const std::string label = "Confusion matrix of " + model.at("title").get<std::string>();
    shown["small_confusion"] = confusion_svg(labels_, confusion, MatrixSize::small, label);
    view["fitted"].push_back(shown);
    if (json chart = tried_chart(model); !chart.is_null()) view["tried"].push_back(std::move(chart));
    if (!is_best) return;
    shown["confusion"] = confusion_svg(labels_, confusion, MatrixSize::large, label);
    shown["mistakes"] = mistakes_of(model, labels_);
    shown["has_mistakes"] = !shown["mistakes"].empty();
    shown["genres"] = genre_rows(model);
    shown["chance"] = percent(chance_.at("accuracy").at("value"));
    shown["over"] = nullptr;
    if (const json& over = model.at("accuracy_over_groups"); !over.is_null()) {
      shown["over"] = {
          {"low", points(over.at("low"))}, {"high", percent(over.at("high"))}, {"groups", over.at("groups")}};
    }
    view["best"] = std::move(shown);
  }

  static json genre_rows(const json& model) {
    json rows = json::array();
    for (const json& genre : model.at("genres")) {
      rows.push_back({{"genre", genre.at("genre")},
                      {"recall", points(genre.at("recall"))},
                      {"precision", points(genre.at("precision"))},
                      {"f1", points(genre.at("f1"))},
                      {"examples", genre.at("examples")}});
    }
    return rows;
  }

  json f1_rows() const {
    json rows = json::array();
    for (std::size_t genre = 0; genre < labels_.size(); ++genre) {
      json cells = json::array();
      for (const json& model : results_.at("models")) {
        if (model.contains("error")) continue;
        const double f1 = model.at("genres").at(genre).at("f1");
        cells.push_back(
            {{"share", fmt::format("{:.3f}", f1)}, {"text", fmt::format("{:.0f}", 100 * f1)}, {"strong", f1 > 0.55}});
      }
      rows.push_back({{"genre", labels_[genre]}, {"cells", std::move(cells)}});
    }
    return rows;
  }

  json ablation() const {
    if (!results_.contains("ablation")) return nullptr;
    json shown = {{"models", json::array()}, {"rows", json::array()}, {"published", false}};
    for (const json& row : results_.at("ablation")) {
      json cells = json::array();
      if (shown["rows"].empty()) {
        for (const json& model : row.at("models")) shown["models"].push_back(model.at("name"));
      }
      double top = 0;
      for (const json& model : row.at("models")) {
        if (!model.contains("error")) top = std::max(top, model.at("accuracy").at("value").get<double>());
      }
      for (const json& model : row.at("models")) cells.push_back(ablation_cell(model, top));
      const json published = row.value("fma_name", json());
      const bool differs = !published.is_null() && published != row.at("features");
      if (differs) shown["published"] = true;
      shown["rows"].push_back({{"features", row.at("features")},
                               {"fma_name", differs ? published : json()},
                               {"columns", row.at("columns")},
                               {"cells", std::move(cells)}});
    }
    return shown;
  }

  static json ablation_cell(const json& model, double top) {
    if (model.contains("error")) {
      return {{"share", "0"}, {"text", "–"},    {"strong", false},
              {"top", false}, {"seconds", "–"}, {"interval", model.at("error")}};
    }
    const json& score = model.at("accuracy");
    const double accuracy = score.at("value");
    return {{"share", fmt::format("{:.3f}", accuracy)},
            {"text", points(accuracy)},
            {"strong", accuracy > 0.55},
            {"top", accuracy == top},
            {"seconds", fmt::format("{:.3f}", model.at("fit_s").get<double>() + model.at("predict_s").get<double>())},
            {"interval", fmt::format("95 % interval {} to {}", points(score.at("low")), percent(score.at("high")))}};
  }

  /// One chart for all models with the same components.
  json variances() const {
    json charts = json::array();
    std::vector<std::vector<double>> drawn;
    for (const json& model : results_.at("models")) {
      auto shares = model.value("explained_variance", std::vector<double>());
      if (shares.empty() || std::ranges::find(drawn, shares) != drawn.end()) continue;
      charts.push_back(
          {{"title", fmt::format("{} components of {}", shares.size(), model.at("features").get<std::string>())},
           {"chart", variance_svg(shares)},
           {"thresholds", variance_thresholds(shares)}});
      drawn.push_back(std::move(shares));
    }
    return charts;
  }

  json data_rows() const {
    std::size_t longest = 0;
    for (const json& genre : results_.at("dataset").at("genres")) {
      longest = std::max(longest, genre.at("examples").get<std::size_t>());
    }
    json rows = results_.at("dataset").at("genres");
    for (json& genre : rows) {
      const BarPiece pieces[] = {
          {"training", genre.at("training")}, {"validation", genre.at("validation")}, {"test", genre.at("test")}};
      genre["bar"] = stacked_bar_svg(
          pieces, longest,
          fmt::format("{} training, {} validation, {} test", pieces[0].count, pieces[1].count, pieces[2].count));
      for (const char* groups : {"artists", "albums"}) {
        if (genre.at(groups) == 0) genre[groups] = "–";
      }
    }
    return rows;
  }

  json feature_sets() const {
    json sets = results_.at("feature_sets");
    for (std::size_t i = 0; i < sets.size(); ++i) {
      const double extract_s = sets[i].at("extract_s");
      sets[i]["extract"] = extract_s > 0 ? json(duration_text(extract_s)) : json();
      sets[i]["separator"] = i + 2 < sets.size() ? ", " : i + 1 < sets.size() ? " or " : "";
    }
    return sets;
  }

  static json clip_text(const json& dataset) {
    const json& clips = dataset.at("clip_s");
    if (clips.is_null()) return nullptr;
    const double least = clips.at("least"), most = clips.at("most");
    const std::string range = most - least < 0.05 ? fmt::format("Each clip lasts {:.1f} s", most)
                                                  : fmt::format("Clips last {:.1f} to {:.1f} s, median {:.1f} s", least,
                                                                most, clips.at("median").get<double>());
    return fmt::format("{}; {} in total.", range, duration_text(clips.at("total")));
  }

  json facts() const {
    const json& dataset = results_.at("dataset");
    const json& split = results_.at("split");
    const double validation_count = split.at("validation");
    json leakage = split.at("leakage");
    for (json& crossing : leakage) crossing["crosses"] = crossing.at("groups") != 0;
    const std::size_t pca = results_.at("preprocessing").at("pca_components");
    return {{"name", results_.at("name")},
            {"program_version", results_.at("program_version")},
            {"dataset", dataset.at("name")},
            {"location", location_of(dataset)},
            {"examples", dataset.at("examples")},
            {"genre_count", labels_.size()},
            {"page_title", "genre study"},
            {"feature_sets", feature_sets()},
            {"clips", clip_text(dataset)},
            {"training_count", split.at("training")},
            {"validation_count", split.at("validation")},
            {"test_count", split.at("test")},
            {"validation_error", fmt::format("{:.1f}", 50 / std::sqrt(validation_count))},
            {"scheme", split.at("scheme")},
            {"split_seed", split.at("seed")},
            {"leakage", std::move(leakage)},
            {"skipped", dataset.at("skipped")},
            {"has_skipped", !dataset.at("skipped").empty()},
            {"notes", results_.at("notes")},
            {"axis", axis_svg(axis_)},
            {"preprocessing", pca > 0 ? fmt::format("standardised, {} principal components", pca) : "standardised"},
            {"command", results_.at("command")},
            {"seed", results_.at("seed")},
            {"created", results_.at("created")}};
  }

  const json& results_;
  std::vector<std::string> labels_;
  const json& chance_;
  ShareAxis axis_;
};

}  // namespace

std::string render_report(const json& results) {
  require_document(results, "genrewise results",
                   {"name", "program_version", "command", "created", "seed", "dataset", "feature_sets", "split",
                    "preprocessing", "labels", "models", "best", "baseline", "notes"},
                   "results.json");
  const json clean = valid_utf8(results);
  return read_json("results.json", "run the command that wrote it again",
                   [&] { return render_page(kReportHtml, Page(clean).view()); });
}

}  // namespace genrewise
