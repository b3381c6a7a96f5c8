#include "genrewise/study/run_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <memory>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/work_folder.hpp"
#include "genrewise/study/run_document.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The first difference: "seed: 42 in the folder, 43 requested".
std::string difference(const json& stored, const json& requested) {
  const json first = json::diff(stored, requested).at(0);
  const std::string path = first.at("path");
  const json::json_pointer pointer(path);
  const auto side = [&](const json& document) {
    return document.contains(pointer) ? document.at(pointer).dump(-1, ' ', false, json::error_handler_t::replace)
                                      : std::string("nothing");
  };
  return fmt::format("{}: {} in the folder, {} requested", path.substr(std::min<std::size_t>(1, path.size())),
                     side(stored), side(requested));
}

/// config.json of a run folder, or why it cannot be used. The command does not identify the run.
struct StoredConfig {
  json config;
  std::string problem;
  bool is_of_a_run = true;
  json command = nullptr;

  explicit StoredConfig(json stored) : config(std::move(stored)) {
    if (!config.contains("command")) return;
    command = config.at("command");
    config.erase("command");
  }
};

bool is_of_a_run(const SealedJson& document) {
  return document.seal != Seal::absent && document.value.contains("format_version");
}

/// Whether a study or search has written its results to the folder.
bool has_own_results(const fs::path& folder) {
  return std::ranges::any_of(std::array{"results.json", "tuning.json"}, [&](const char* name) {
    const fs::path path = folder / name;
    try {
      return path_exists(path) && is_of_a_run(parse_sealed_json(read_file(path), path.string()));
    } catch (const FileError&) {
      throw;
    } catch (const Error&) {
      return false;
    }
  });
}

StoredConfig read_config(const fs::path& path) {
  StoredConfig unusable({});
  SealedJson read;
  try {
    read = parse_sealed_json(read_file(path), path.string());
  } catch (const FileError&) {
    throw;
  } catch (const Error& error) {
    unusable.is_of_a_run = has_own_results(path.parent_path());
    unusable.problem = error.problem();
    return unusable;
  }
  unusable.is_of_a_run = is_of_a_run(read);
  unusable.problem =
      unusable.is_of_a_run ? "was changed or damaged (its checksum does not fit)" : "is none of a study or search";
  if (unusable.is_of_a_run) require_known_version(read.value, path.string());
  if (!unusable.is_of_a_run || read.seal == Seal::broken) return unusable;
  read.value.erase("format_version");
  return StoredConfig(std::move(read.value));
}

void write_config(const fs::path& path, json config) {
  config["format_version"] = kRunFormatVersion;
  write_file(path, document_text(config));
}

bool has_results(const fs::path& folder) {
  return path_exists(folder / "results.json") || path_exists(folder / "tuning.json");
}

/// Removes all files of a run except features.
void remove_run(const fs::path& folder) {
  for (const char* name :
       {"results.json", "predictions.csv", "best.gwm", "best.md", "models", "networks", "ablation", "nested",
        "tuning.json", "tuning.csv", "folds.jsonl", "report.html", "plan.json", "seeds", "records"})
    remove_tree(folder / name);
}

/// Throws Error unless the result fits the model, the labels and the true labels of the test part.
void check_result(const ModelResult& result, const ModelSpec& spec, const std::vector<int>& truth, std::size_t labels) {
  const auto is_label = [&](int label) { return label >= 0 && static_cast<std::size_t>(label) < labels; };
  const auto is_row = [&](const std::vector<std::size_t>& row) { return row.size() == labels; };
  const Metrics& test = result.test;
  bool sound = result.kind == spec.kind && result.test_labels.size() == truth.size() && !truth.empty() &&
               std::ranges::all_of(result.test_labels, is_label) && result.test_probabilities.rows() == truth.size() &&
               test.genres.size() == labels && test.confusion.size() == labels &&
               std::ranges::all_of(test.confusion, is_row) && test.top_k.size() <= labels;
  if (sound) {
    std::size_t hits = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) hits += result.test_labels[i] == truth[i];
    const double accuracy = static_cast<double>(hits) / static_cast<double>(truth.size());
    sound = std::abs(accuracy - test.accuracy.value) < 1e-9;
  }
  if (!sound) throw Error("its scores do not fit its predictions");
}

template <class T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

using FoldScores = std::map<std::pair<Parameters, int>, FoldScore>;

/// One line of the journal, if it is complete, sealed and of the same data.
std::optional<FoldScores::value_type> read_line(std::string_view line, const std::string& data) {
  try {
    const SealedJson entry = parse_sealed_json(line, "folds.jsonl");
    if (entry.seal != Seal::sound || entry.value.value("data", json()) != json(data)) return std::nullopt;
    FoldScore score = entry.value.at("score");
    if (!(score.accuracy >= 0 && score.accuracy <= 1)) return std::nullopt;
    return FoldScores::value_type{{entry.value.at("parameters").get<Parameters>(), entry.value.at("fold").get<int>()},
                                  std::move(score)};
  } catch (const Error&) {
    return std::nullopt;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

/// Reads the scores of the same data from the journal, and rewrites it without incomplete and damaged lines and scores
/// of other data, so that it can be appended to.
FoldScores reopen(const fs::path& path, const std::string& data) {
  FoldScores scores;
  if (!path_exists(path)) return scores;
  const std::string text = read_file(path);
  std::string kept;
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string_view line = std::string_view(text).substr(at, end + 1 - at);
    auto entry = read_line(line, data);
    if (!entry) continue;
    scores.insert_or_assign(entry->first, std::move(entry->second));
    kept += line;
  }
  write_file(path, kept);
  return scores;
}

}  // namespace

std::string fingerprint(const Examples& examples, const Split& split) {
  Hasher hasher(HashKind::sha256);
  for (const std::string& id : examples.subjects.ids) hasher.update(id + '\n');
  for (const std::string& label : examples.labels) hasher.update(label + '\n');
  hasher.update(bytes_of(std::span<const int>(examples.subjects.labels)));
  hasher.update(bytes_of(std::span<const Part>(split.parts)));
  hasher.update(bytes_of(examples.table.values.values()));
  hasher.update(bytes_of(std::span<const double>(examples.table.offsets)));
  return hasher.hex();
}

LockedFolder::Claim LockedFolder::claim(const fs::path& folder, const json& config, bool replace) {
  const fs::path config_path = folder / "config.json";
  const bool is_new = !path_exists(folder);
  make_folders(folder);
  Claim claimed{FolderLock(folder), {}};
  remove_unfinished(config_path);  // a run that was killed first of all leaves only this
  const bool there = path_exists(config_path);
  if (!there && !replace && !is_new && !entries_of(folder).empty()) {
    throw Error("this folder is not empty and is not a run folder", folder.string(),
                "choose another folder with -o, or use this one anyway with --force");
  }
  const StoredConfig requested(config), old = there ? read_config(config_path) : requested;
  if (!old.is_of_a_run) {
    throw Error(fmt::format("this folder is not a run folder: its config.json {}", old.problem), folder.string(),
                "choose another folder with -o");
  }
  remove_unfinished(folder / "");
  if (there && !replace) {
    if (old.problem.empty() && old.config == requested.config) {
      if (old.command != requested.command) write_config(config_path, config);
      return claimed;
    }
    const std::string reason =
        old.problem.empty() ? difference(old.config, requested.config) : "config.json " + old.problem;
    if (has_results(folder)) {
      throw Error(fmt::format("this folder contains the results of another configuration ({})", reason),
                  folder.string(),
                  "choose another folder with -o, or replace the results with --force; extracted features are reused");
    }
    claimed.note =
        fmt::format("{}: replacing an unfinished run of another configuration ({}); extracted features are reused",
                    folder.string(), reason);
  }
  if (there) remove_run(folder);
  write_config(config_path, config);
  return claimed;
}

LockedFolder::LockedFolder(fs::path folder, const json& config, bool replace)
    : folder_(std::move(folder)), claim_(claim(folder_, config, replace)) {}

fs::path LockedFolder::features_path(std::size_t columns, const std::string& set) const {
  return folder_ / fmt::format("features{}{}{}", set.empty() ? "" : "-", as_file_name(set), table_ending(columns));
}

RunFolder::RunFolder(const fs::path& folder, const json& config, bool replace) : LockedFolder(folder, config, replace) {
  make_folders(path() / "models");
  remove_unfinished(path() / "models" / "");
}

fs::path RunFolder::model_path(const std::string& name) const {
  return path() / "models" / (file_name_of(name) + ".gwm");
}

StudyStore RunFolder::store(const Examples& examples, const Split& split) const {
  StudyStore store = store_in(path() / "models", examples, split, true);
  store.networks = path() / "networks";
  return store;
}

StudyStore RunFolder::scores_in(const fs::path& name, const Examples& examples, const Split& split) const {
  const fs::path folder = path() / name;
  make_folders(folder);
  remove_unfinished(folder / "");
  return store_in(folder, examples, split, false);
}

StudyStore RunFolder::store_in(const fs::path& folder, const Examples& examples, const Split& split,
                               bool with_models) const {
  const std::string data = fingerprint(examples, split);
  const std::vector<int> truth = labels_of(examples.subjects, split.rows(Part::test));
  const std::size_t labels = examples.labels.size();
  const auto path_of = [=](const ModelSpec& spec, const char* ending) {
    return folder / (file_name_of(spec.name) + ending);
  };
  StudyStore store;
  store.find = [=](const ModelSpec& spec) -> std::optional<ModelResult> {
    const fs::path path = path_of(spec, ".json"), model = path_of(spec, ".gwm");
    if (!path_exists(path) || (with_models && !path_exists(model))) return std::nullopt;
    try {
      const SealedJson kept = parse_sealed_json(read_file(path), path.string());
      require_known_version(kept.value, path.string());
      if (kept.seal != Seal::sound) throw Error("was changed, or written without a checksum by an earlier version");
      if (kept.value.value("data", json()) != json(data) || kept.value.value("entry", json()) != to_json(spec))
        return std::nullopt;
      if (with_models && kept.value.value("model_sha256", "") != sha256_hex(read_file(model)))
        throw Error("does not belong to " + model.filename().string());
      return read_json(path.string(), {}, [&] {
        ModelResult result = model_result_from_json(kept.value.at("result"));
        check_result(result, spec, truth, labels);
        result.title = spec.title;
        return result;
      });
    } catch (const FileError&) {
      throw;
    } catch (const NewerVersion&) {
      throw;
    } catch (const Error& error) {
      Runtime::current().progress().note(
          fmt::format("{}: {}; the model is fitted again", path.string(), error.problem()));
      return std::nullopt;
    }
  };
  store.keep = [=, labels = examples.labels](const ModelSpec& spec, const ModelResult& result, const Model& model) {
    json document = {{"format_version", kRunFormatVersion},
                     {"entry", to_json(spec)},
                     {"data", data},
                     {"result", to_json(result, labels)}};
    if (with_models) {
      save_model(model, path_of(spec, ".gwm"));
      document["model_sha256"] = sha256_hex(read_file(path_of(spec, ".gwm")));
    }
    write_file(path_of(spec, ".json"), document_text(document));
  };
  return store;
}

TuningStore TuningFolder::store(const Examples& examples) const {
  const fs::path path = this->path() / "folds.jsonl";
  const std::string data = fingerprint(examples, {});
  const auto scores = std::make_shared<const FoldScores>(reopen(path, data));
  TuningStore store;
  store.find = [scores](const Parameters& parameters, int fold) -> std::optional<FoldScore> {
    const auto found = scores->find({parameters, fold});
    return found == scores->end() ? std::nullopt : std::optional(found->second);
  };
  store.keep = [path, data](const Parameters& parameters, int fold, const FoldScore& score) {
    std::ofstream out(path, std::ios::app);
    out << sealed_text({{"data", data}, {"parameters", parameters}, {"fold", fold}, {"score", score}}) << std::flush;
    if (!out) throw_system_error("cannot store a finished fold", path.string());
  };
  return store;
}

}  // namespace genrewise
