#include "genrewise/study/run_folder.hpp"

#include <fmt/format.h>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/local_file.hpp"
#include "genrewise/study/report.hpp"
#include "genrewise/study/results.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string pretty(const json& document) {
  return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

/// What a text that may be no JSON holds; nothing of a file that was damaged.
json parse_or_null(const std::string& text) {
  json document = json::parse(text, nullptr, false);
  return document.is_discarded() ? json() : document;
}

[[noreturn]] void refuse(const fs::path& folder, const json& there, const json& asked) {
  const json difference = json::diff(there, asked).at(0);
  const std::string path = difference.at("path");
  const json::json_pointer pointer(path);
  const auto side = [&](const json& document) {
    return document.contains(pointer) ? document.at(pointer).dump(-1, ' ', false, json::error_handler_t::replace)
                                      : std::string("nothing");
  };
  throw Error(fmt::format("this folder holds a run of another configuration ({}: {} there, {} asked for)",
                          path.substr(std::min<std::size_t>(1, path.size())), side(there), side(asked)),
              folder.string(), "choose another folder with -o, or start this one anew with --force");
}

template <class T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::string predictions_csv(const Examples& examples, const Split& split, const StudyResult& result) {
  std::string csv = "track_id,genre";
  for (const ModelResult& model : result.models) {
    if (!model.error.empty()) continue;
    csv += ',';
    append_csv_field(csv, model.name);
  }
  csv += '\n';
  const auto rows = split.rows(Part::test);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    append_csv_field(csv, examples.subjects.ids[rows[i]]);
    csv += ',';
    append_csv_field(csv, examples.labels[static_cast<std::size_t>(examples.subjects.labels[rows[i]])]);
    for (const ModelResult& model : result.models) {
      if (!model.error.empty()) continue;
      csv += ',';
      append_csv_field(csv, examples.labels[static_cast<std::size_t>(model.test_labels[i])]);
    }
    csv += '\n';
  }
  return csv;
}

}  // namespace

std::string fingerprint(const Examples& examples, const Split& split) {
  Hasher hasher(HashKind::sha256);
  for (const std::string& id : examples.subjects.ids) hasher.update(id + '\n');
  for (const std::string& label : examples.labels) hasher.update(label + '\n');
  hasher.update(bytes_of(std::span<const int>(examples.subjects.labels)));
  hasher.update(bytes_of(std::span<const Part>(split.parts)));
  hasher.update(bytes_of(examples.table.values.values()));
  return hasher.hex();
}

RunFolder::RunFolder(fs::path folder, const json& config, bool anew) : folder_(std::move(folder)) {
  const fs::path config_path = folder_ / "config.json";
  const bool there = fs::exists(config_path);
  if (!there && !anew && fs::exists(folder_) && !(fs::is_directory(folder_) && fs::is_empty(folder_))) {
    throw Error("this is no folder of a run, and it is not empty", folder_.string(),
                "choose another folder with -o, or use this one all the same with --force");
  }
  make_folders(folder_ / "models");
  if (there && !anew) {
    if (const json old = parse_or_null(read_file(config_path)); old != config) refuse(folder_, old, config);
    return;
  }
  std::error_code ignored;
  if (there) {
    for (const auto& entry : fs::directory_iterator(folder_ / "models")) fs::remove(entry.path(), ignored);
  }
  for (const char* stale : {"results.json", "report.html", "predictions.csv", "best.gwm"}) {
    fs::remove(folder_ / stale, ignored);
  }
  write_file(config_path, pretty(config));
}

fs::path RunFolder::model_path(const std::string& name) const {
  return folder_ / "models" / (name + ".gwm");
}

StudyStore RunFolder::store(const Examples& examples, const Split& split) const {
  const std::string data = fingerprint(examples, split);
  const auto kept_path = [folder = folder_](const ModelSpec& spec) {
    return folder / "models" / (spec.name + ".json");
  };
  StudyStore store;
  store.find = [=, this](const ModelSpec& spec) -> std::optional<ModelResult> {
    if (!fs::exists(kept_path(spec)) || !fs::exists(model_path(spec.name))) return std::nullopt;
    const json kept = parse_or_null(read_file(kept_path(spec)));
    if (!kept.is_object() || kept.value("data", json()) != json(data) || kept.value("entry", json()) != to_json(spec)) {
      return std::nullopt;
    }
    try {
      ModelResult result = model_result_from_json(kept.at("result"));
      result.title = spec.title;
      return result;
    } catch (const json::exception&) {
      return std::nullopt;  // of a version that kept it differently
    }
  };
  store.keep = [=, this, labels = examples.labels](const ModelSpec& spec, const ModelResult& result,
                                                   const Model& model) {
    save_model(model, model_path(spec.name));
    write_file(kept_path(spec),
               pretty({{"entry", to_json(spec)}, {"data", data}, {"result", to_json(result, labels)}}));
  };
  return store;
}

void RunFolder::write(const Examples& examples, const Split& split, const StudyResult& result,
                      const json& results) const {
  if (result.best) write_file(folder_ / "best.gwm", read_file(model_path(result.models[*result.best].name)));
  write_file(folder_ / "predictions.csv", predictions_csv(examples, split, result));
  write_file(folder_ / "report.html", render_report(results));
  write_file(folder_ / "results.json", pretty(results));
}

}  // namespace genrewise
