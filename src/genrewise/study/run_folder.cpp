#include "genrewise/study/run_folder.hpp"

#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/result_json.hpp"
#include "genrewise/study/run_document.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Parses JSON; null if the text is damaged.
json parse_or_null(const std::string& text) {
  json document = json::parse(text, nullptr, false);
  return document.is_discarded() ? json() : document;
}

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

bool has_results(const fs::path& folder) {
  return fs::exists(folder / "results.json") || fs::exists(folder / "tuning.json");
}

/// Removes all files of a run except features.
void remove_run(const fs::path& folder) {
  for (const char* name : {"results.json", "predictions.csv", "best.gwm", "ablation.csv", "models", "ablation",
                           "tuning.json", "tuning.csv", "folds.jsonl", "report.html"}) {
    std::error_code ignored;
    fs::remove_all(folder / name, ignored);
  }
}

template <class T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
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

ClaimedFolder claim_run_folder(const fs::path& folder, const json& config, bool replace) {
  const fs::path config_path = folder / "config.json";
  const bool there = fs::exists(config_path);
  if (!there && !replace && fs::exists(folder) && !(fs::is_directory(folder) && fs::is_empty(folder))) {
    throw Error("this folder is not empty and is not a run folder", folder.string(),
                "choose another folder with -o, or use this one anyway with --force");
  }
  make_folders(folder);
  ClaimedFolder claimed{FolderLock(folder), {}};
  json old = there ? parse_or_null(read_file(config_path)) : config;
  require_known_version(old, config_path.string());
  if (old.is_object()) old.erase("format_version");
  if (there && !replace) {
    if (old == config) return claimed;
    if (has_results(folder)) {
      throw Error(
          fmt::format("this folder contains the results of another configuration ({})", difference(old, config)),
          folder.string(),
          "choose another folder with -o, or replace the results with --force; extracted features are reused");
    }
    claimed.note =
        fmt::format("{}: replacing an unfinished run of another configuration ({}); extracted features are reused",
                    folder.string(), difference(old, config));
  }
  if (there) remove_run(folder);
  json document = config;
  document["format_version"] = kRunFormatVersion;
  write_file(config_path, document_text(document));
  return claimed;
}

fs::path features_file(const fs::path& folder, const std::string& set, std::size_t columns) {
  constexpr std::size_t kMostAsText = 2000;
  return folder / fmt::format("features{}{}.{}", set.empty() ? "" : "-", as_file_name(set),
                              columns > kMostAsText ? "npy" : "csv");
}

RunFolder::RunFolder(fs::path folder, const json& config, bool replace)
    : folder_(std::move(folder)), claim_(claim_run_folder(folder_, config, replace)) {
  make_folders(folder_ / "models");
}

fs::path RunFolder::model_path(const std::string& name) const {
  return folder_ / "models" / (file_name_of(name) + ".gwm");
}

StudyStore RunFolder::store(const Examples& examples, const Split& split) const {
  return store_in(folder_ / "models", examples, split, true);
}

StudyStore RunFolder::ablation_store(const Examples& examples, const Split& split, const std::string& features) const {
  const fs::path folder = folder_ / "ablation" / as_file_name(features);
  make_folders(folder);
  return store_in(folder, examples, split, false);
}

StudyStore RunFolder::store_in(const fs::path& folder, const Examples& examples, const Split& split,
                               bool with_models) const {
  const std::string data = fingerprint(examples, split);
  const auto path_of = [=](const ModelSpec& spec, const char* ending) {
    return folder / (file_name_of(spec.name) + ending);
  };
  StudyStore store;
  store.find = [=](const ModelSpec& spec) -> std::optional<ModelResult> {
    const fs::path path = path_of(spec, ".json");
    if (!fs::exists(path) || (with_models && !fs::exists(path_of(spec, ".gwm")))) return std::nullopt;
    const json kept = parse_or_null(read_file(path));
    require_known_version(kept, path.string());
    if (!kept.is_object() || kept.value("data", json()) != json(data) || kept.value("entry", json()) != to_json(spec)) {
      return std::nullopt;
    }
    try {
      ModelResult result = model_result_from_json(kept.at("result"));
      result.title = spec.title;
      return result;
    } catch (const json::exception&) {
      return std::nullopt;  // written by a version with another format
    }
  };
  store.keep = [=, labels = examples.labels](const ModelSpec& spec, const ModelResult& result, const Model& model) {
    if (with_models) save_model(model, path_of(spec, ".gwm"));
    write_file(path_of(spec, ".json"), document_text({{"format_version", kRunFormatVersion},
                                                      {"entry", to_json(spec)},
                                                      {"data", data},
                                                      {"result", to_json(result, labels)}}));
  };
  return store;
}

}  // namespace genrewise
