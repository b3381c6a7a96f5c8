#include "genrewise/report/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/study/notes.hpp"
#include "genrewise/study/run_document.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kRunAgain = "run the study again with --force";

struct Run {
  std::string name;  ///< as given
  json results;
  std::vector<std::string> ids, genres, groups;   ///< of the test examples; empty without usable predictions
  std::map<std::string, std::vector<bool>> hits;  ///< of each fitted model
  std::unordered_map<std::string, std::size_t> rows;
};

/// Throws Error for a table that does not fit results.json.
void read_predictions(const fs::path& path, Run& run) {
  const std::string text = read_file(path);
  CsvReader reader(text, path.string());
  std::vector<std::string_view> fields;
  std::map<std::string, std::size_t, std::less<>> columns;
  if (reader.next(fields)) {
    for (std::size_t i = 0; i < fields.size(); ++i) columns.emplace(fields[i], i);
  }
  const std::size_t width = fields.size();
  if (!columns.contains("track_id") || !columns.contains("genre")) throw Error("lacks track_id or genre");
  std::vector<std::pair<std::vector<bool>*, std::size_t>> models;
  for (const json& model : run.results.at("models")) {
    if (model.contains("error")) continue;
    const std::string name = model.at("name");
    if (!columns.contains(name)) throw Error("lacks the model " + name);
    models.emplace_back(&run.hits[name], columns.at(name));
  }
  const auto cell = [&](const char* name) {
    const auto found = columns.find(name);
    return found == columns.end() ? std::string() : std::string(fields[found->second]);
  };
  while (reader.next(fields)) {
    if (fields.size() != width) throw Error(fmt::format("line {} has another number of fields", reader.line()));
    run.ids.push_back(cell("track_id"));
    run.genres.push_back(cell("genre"));
    std::string group = cell("artist");
    if (group.empty()) group = cell("file");
    run.groups.push_back(group.empty() ? run.ids.back() : group);
    run.rows.emplace(run.ids.back(), run.ids.size() - 1);
    for (const auto& [hits, column] : models) hits->push_back(fields[column] == run.genres.back());
  }
  for (const auto& [name, hits] : run.hits) {
    const Score score = find_model(run.results, name)->at("accuracy").get<Score>();
    const auto right = static_cast<double>(std::ranges::count(hits, true));
    if (hits.size() != score.n || std::abs(right - score.value * static_cast<double>(score.n)) > 0.5)
      throw Error("does not fit results.json");
  }
}

Run load_run(const fs::path& location, json& notes) {
  Run run;
  run.name = location.string();
  const json document = read_run(location);
  if (document.at("format") != "genrewise results") {
    throw Error("is a search of hyper-parameters, not a study", run.name,
                "compare studies; `genrewise report` shows a search");
  }
  require_document(document, "genrewise results", {"labels", "models", "best", "split", "program_version"}, run.name);
  run.results = valid_utf8(document);
  read_json(run.name, kRunAgain, [&] {
    for (const json& model : run.results.at("models")) {
      for (const char* member : {"name", "title"}) model.at(member).get_ref<const std::string&>();
      if (!model.contains("error")) model.at("accuracy").get<Score>();
    }
  });
  const fs::path path = (folder_exists(location) ? location : location.parent_path()) / "predictions.csv";
  try {
    read_predictions(path, run);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    notes.push_back(
        fmt::format("{}: predictions.csv cannot be used ({}), so its models are not tested in pairs; run the "
                    "study again to write it.",
                    run.name, error.problem()));
    run.ids.clear(), run.rows.clear(), run.hits.clear();
  }
  return run;
}

std::set<std::string> labels_of(const Run& run) {
  return run.results.at("labels").get<std::set<std::string>>();
}

/// Test examples of two runs with the same id and genre, as rows of both.
struct CommonExamples {
  std::vector<std::pair<std::size_t, std::size_t>> rows;
  std::vector<std::string> groups;
  std::size_t relabelled = 0;
};

CommonExamples common_examples(const Run& first, const Run& second) {
  CommonExamples common;
  for (std::size_t i = 0; i < first.ids.size(); ++i) {
    const auto found = second.rows.find(first.ids[i]);
    if (found == second.rows.end()) continue;
    if (first.genres[i] != second.genres[found->second]) {
      ++common.relabelled;
      continue;
    }
    common.rows.emplace_back(i, found->second);
    common.groups.push_back(first.groups[i]);
  }
  return common;
}

/// Notes what differs between a run and the first one. Throws Error if they have no common genre.
void compare_data(const Run& first, const Run& run, const CommonExamples& common, json& notes) {
  const std::set<std::string> before = labels_of(first), after = labels_of(run);
  std::vector<std::string> removed, added;
  std::ranges::set_difference(before, after, std::back_inserter(removed));
  std::ranges::set_difference(after, before, std::back_inserter(added));
  if (removed.size() == before.size()) {
    throw Error(
        fmt::format("has no genre in common with {} ({} instead of {})", first.name, listed(added), listed(removed)),
        run.name, "compare studies of the same genres");
  }
  if (!removed.empty() || !added.empty()) {
    notes.push_back(fmt::format(
        "{} has other genres than {} (without: {}; in addition: {}), so accuracies are not "
        "comparable and nothing is tested.",
        run.name, first.name, removed.empty() ? "–" : listed(removed), added.empty() ? "–" : listed(added)));
  }
  const auto location = [](const Run& of) { return of.results.at("dataset").at("location").get<std::string>(); };
  if (location(first) != location(run)) {
    notes.push_back(fmt::format("The datasets differ: {} ({}) and {} ({}). Test examples are matched by their ids.",
                                location(first), first.name, location(run), run.name));
  }
  if (first.ids.empty() || run.ids.empty()) return;
  const std::size_t shared = common.rows.size();
  if (shared < first.ids.size() || shared < run.ids.size()) {
    notes.push_back(fmt::format("The test examples differ: {} and {} share {} of {} and {}; these are compared.",
                                first.name, run.name, shared, first.ids.size(), run.ids.size()));
  }
  if (common.relabelled > 0) {
    notes.push_back(
        fmt::format("{} test examples have another genre in {} than in {}.", common.relabelled, run.name, first.name));
  }
}

/// Tests models of two runs; `names`: a model of the first and one of the second each.
void test_pairs(const std::vector<Run>& runs, std::size_t first, std::size_t second, const CommonExamples& common,
                const std::vector<std::pair<std::string, std::string>>& names, std::uint64_t seed, json& pairs) {
  std::vector<std::vector<float>> differences;
  std::vector<PairedComparison> tests;
  for (const auto& [one, other] : names) {
    const std::vector<bool>&one_hits = runs[first].hits.at(one), &other_hits = runs[second].hits.at(other);
    std::vector<bool> a, b;
    std::vector<float> difference;
    for (const auto& [row, other_row] : common.rows) {
      a.push_back(one_hits[row]);
      b.push_back(other_hits[other_row]);
      difference.push_back(static_cast<float>(a.back()) - static_cast<float>(b.back()));
    }
    tests.push_back(mcnemar(a, b));
    differences.push_back(std::move(difference));
  }
  auto means = bootstrap_means(differences, common.groups, seed);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto interval = grouped_interval(differences[i], common.groups, std::move(means[i])).interval;
    const double more = static_cast<double>(tests[i].only_first) - static_cast<double>(tests[i].only_second);
    pairs.push_back({{"first", {{"run", first}, {"model", names[i].first}}},
                     {"second", {{"run", second}, {"model", names[i].second}}},
                     {"examples", common.rows.size()},
                     {"only_first", tests[i].only_first},
                     {"only_second", tests[i].only_second},
                     {"p_value", tests[i].p_value},
                     {"difference", more / static_cast<double>(common.rows.size())},
                     {"low", interval ? json(interval->low) : json()},
                     {"high", interval ? json(interval->high) : json()}});
  }
}

/// The models of all runs by name; each with an entry per run, null where the run does not have it.
json models_of(const std::vector<Run>& runs, const json& pairs) {
  std::map<std::pair<std::size_t, std::string>, json> differences;  // from the model of the same name in the first run
  for (const json& pair : pairs) {
    const json &first = pair.at("first"), &second = pair.at("second");
    if (second.at("run") != 0 || first.at("model") != second.at("model")) continue;
    differences[{first.at("run"), first.at("model")}] = {
        {"value", pair.at("difference")}, {"low", pair.at("low")}, {"high", pair.at("high")}};
  }
  json models = json::array();
  std::set<std::string> seen;
  for (const Run& run : runs) {
    for (const json& model : run.results.at("models")) {
      const std::string name = model.at("name");
      if (!seen.insert(name).second) continue;
      json entries = json::array();
      for (std::size_t k = 0; k < runs.size(); ++k) {
        const json* here = find_model(runs[k].results, name);
        json entry;
        for (const char* member : {"error", "accuracy", "macro_f1", "features"}) {
          if (here != nullptr && here->contains(member)) entry[member] = here->at(member);
        }
        if (const auto tested = differences.find({k, name}); tested != differences.end())
          entry["difference"] = tested->second;
        entries.push_back(std::move(entry));
      }
      models.push_back({{"name", name}, {"title", model.at("title")}, {"runs", std::move(entries)}});
    }
  }
  return models;
}

/// Models to test: the best ones and, with `all`, those of the same name; of the second run first.
std::vector<std::pair<std::string, std::string>> tested_models(const Run& first, const Run& second, bool all) {
  std::vector<std::pair<std::string, std::string>> names;
  const auto best_of = [](const Run& run) {
    const json& best = run.results.at("best");
    return best.is_null() ? std::string() : best.get<std::string>();
  };
  const std::string best = best_of(first), other = best_of(second);
  if (first.hits.contains(best) && second.hits.contains(other)) names.emplace_back(other, best);
  for (const auto& [name, hits] : first.hits) {
    if (all && second.hits.contains(name) && (name != best || name != other)) names.emplace_back(name, name);
  }
  return names;
}

/// What a document states about a run.
json facts_of(const Run& run) {
  const json& results = run.results;
  return {{"name", run.name},
          {"program_version", results.at("program_version")},
          {"dataset", results.at("dataset").at("name")},
          {"dataset_location", results.at("dataset").at("location")},
          {"genres", results.at("labels").size()},
          {"split", results.at("split").at("scheme")},
          {"seed", results.at("seed")},
          {"test", results.at("split").at("test")},
          {"best", results.at("best")}};
}

std::string signed_points(double share) {
  return fmt::format("{:+.1f}", 100 * share);
}

std::string difference_text(const json& value, const json& low, const json& high) {
  return signed_points(value) +
         (low.is_null() ? "" : fmt::format(" ({} – {})", signed_points(low), signed_points(high)));
}

}  // namespace

json compare_runs(const std::vector<fs::path>& locations, std::uint64_t seed, Progress& progress) {
  json notes = json::array(), pairs = json::array(), shown = json::array();
  std::vector<Run> runs;
  std::set<fs::path> seen;
  progress.begin("comparing", "runs", locations.size());
  for (std::size_t k = 0; k < locations.size(); ++k) {
    if (!seen.insert(canonical_location(locations[k] / "")).second)
      throw Error("is given twice", locations[k].string(), "compare different runs");
    runs.push_back(load_run(locations[k], notes));
    read_json(runs[k].name, kRunAgain, [&] {
      shown.push_back(facts_of(runs[k]));
      for (std::size_t before = 0; before < k; ++before) {
        throw_if_interrupted();
        const CommonExamples common = common_examples(runs[k], runs[before]);
        if (before == 0) compare_data(runs[0], runs[k], common, notes);
        if (common.rows.empty() || labels_of(runs[before]) != labels_of(runs[k])) continue;
        test_pairs(runs, k, before, common, tested_models(runs[before], runs[k], before == 0), seed, pairs);
      }
    });
    progress.advance();
  }
  progress.finish();
  std::vector<double> p_values;
  for (const json& pair : pairs) p_values.push_back(pair.at("p_value"));
  const std::vector<double> adjusted = holm(p_values);
  for (std::size_t i = 0; i < adjusted.size(); ++i) pairs[i]["p_holm"] = adjusted[i];
  json models = models_of(runs, pairs);
  return {
      {"format", "genrewise comparison"}, {"format_version", kRunFormatVersion}, {"program_version", GENREWISE_VERSION},
      {"runs", std::move(shown)},         {"notes", std::move(notes)},           {"models", std::move(models)},
      {"pairs", std::move(pairs)}};
}

std::vector<Section> comparison_sections(const json& comparison) {
  const json& runs = comparison.at("runs");
  Section accuracies{.table = {{{"Model"}}, {}},
                     .note =
                         "Test accuracy with its 95 % interval; *: the best model of a run by validation accuracy; "
                         "differences from the first run, in points."};
  for (std::size_t k = 0; k < runs.size(); ++k) {
    accuracies.table.columns.push_back({runs[k].at("name").get<std::string>() + " (%)"});
    if (k > 0) accuracies.table.columns.push_back({"difference"});
  }
  for (const json& model : comparison.at("models")) {
    TextTable::Row row{{model.at("name").get<std::string>()}};
    for (std::size_t k = 0; k < runs.size(); ++k) {
      const json& entry = model.at("runs")[k];
      std::string cell, difference;
      if (!entry.is_null()) {
        const bool best = runs[k].at("best") == model.at("name");
        cell = entry.contains("error") ? "failed"
                                       : fmt::format("{} ({}){}", points_text(entry.at("accuracy").at("value")),
                                                     interval_text(entry.at("accuracy")), best ? " *" : "");
        if (entry.contains("difference")) {
          const json& shown = entry.at("difference");
          difference = difference_text(shown.at("value"), shown.at("low"), shown.at("high"));
        }
      }
      row.cells.push_back(cell);
      if (k > 0) row.cells.push_back(difference);
    }
    accuracies.table.rows.push_back(std::move(row));
  }
  Section tests{.title = "Paired tests on common test examples",
                .table = {{{"First"},
                           {"Second", true},
                           {"Examples"},
                           {"Only first right"},
                           {"Only second right"},
                           {"Difference"},
                           {"p"},
                           {"p (Holm)"}},
                          {}},
                .note =
                    "Exact McNemar tests, with Holm's correction for all of them; bold: p (Holm) below 0.05. "
                    "Differences are first minus second, in points, with the 95 % interval over resampled artists "
                    "(files or examples where artists are unknown)."};
  const auto side = [&](const json& pair, const char* which) {
    const json& model = pair.at(which);
    return fmt::format("{}: {}", runs[model.at("run").get<std::size_t>()].at("name").get<std::string>(),
                       model.at("model").get<std::string>());
  };
  for (const json& pair : comparison.at("pairs")) {
    tests.table.rows.push_back(
        {{side(pair, "first"), side(pair, "second"), pair.at("examples").dump(), pair.at("only_first").dump(),
          pair.at("only_second").dump(), difference_text(pair.at("difference"), pair.at("low"), pair.at("high")),
          p_text(pair.at("p_value")), p_text(pair.at("p_holm"))},
         pair.at("p_holm") < 0.05});
  }
  std::vector<Section> sections = {std::move(accuracies)};
  if (!tests.table.rows.empty()) sections.push_back(std::move(tests));
  return sections;
}

}  // namespace genrewise
