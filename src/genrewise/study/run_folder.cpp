#include "genrewise/study/run_folder.hpp"

#include <fmt/format.h>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/report/report.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/learners.hpp"
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

std::string ablation_csv(const json& ablation) {
  std::string csv = "features,fma_name,columns,model,accuracy,low,high,macro_f1,fit_s,predict_s\n";
  for (const json& row : ablation) {
    for (const json& model : row.at("models")) {
      append_csv_field(csv, row.at("features").get<std::string>());
      csv += ',';
      append_csv_field(csv, row.at("fma_name").is_null() ? "" : row.at("fma_name").get<std::string>());
      csv += fmt::format(",{},", row.at("columns").get<std::size_t>());
      append_csv_field(csv, model.at("name").get<std::string>());
      if (model.contains("error")) {
        csv += ",,,,,,\n";
        continue;
      }
      const json& accuracy = model.at("accuracy");
      for (const json& number : {accuracy.at("value"), accuracy.at("low"), accuracy.at("high"), model.at("macro_f1"),
                                 model.at("fit_s"), model.at("predict_s")}) {
        csv += fmt::format(",{:.6g}", number.get<double>());
      }
      csv += '\n';
    }
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

FolderLock claim_run_folder(const fs::path& folder, const json& config, bool anew, const std::function<void()>& clear) {
  const fs::path config_path = folder / "config.json";
  const bool there = fs::exists(config_path);
  if (!there && !anew && fs::exists(folder) && !(fs::is_directory(folder) && fs::is_empty(folder))) {
    throw Error("this is no folder of a run, and it is not empty", folder.string(),
                "choose another folder with -o, or use this one all the same with --force");
  }
  make_folders(folder);
  FolderLock lock(folder);
  if (there && !anew) {
    if (const json old = parse_or_null(read_file(config_path)); old != config) refuse(folder, old, config);
    return lock;
  }
  if (there) clear();
  write_file(config_path, pretty(config));
  return lock;
}

fs::path features_file(const fs::path& folder, const std::string& set, std::size_t columns) {
  constexpr std::size_t kMostAsText = 2000;
  return folder / fmt::format("features{}{}.{}", set.empty() ? "" : "-", as_file_name(set),
                              columns > kMostAsText ? "npy" : "csv");
}

RunFolder::RunFolder(fs::path folder, const json& config, bool anew) : folder_(std::move(folder)) {
  lock_ = claim_run_folder(folder_, config, anew, [&] {
    std::error_code ignored;
    for (const char* stale :
         {"results.json", "report.html", "predictions.csv", "best.gwm", "ablation.csv", "models", "ablation"}) {
      fs::remove_all(folder_ / stale, ignored);
    }
  });
  make_folders(folder_ / "models");
}

fs::path RunFolder::model_path(const std::string& name) const {
  return folder_ / "models" / (name + ".gwm");
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
  const auto path_of = [=](const ModelSpec& spec, const char* ending) { return folder / (spec.name + ending); };
  StudyStore store;
  store.find = [=](const ModelSpec& spec) -> std::optional<ModelResult> {
    const fs::path path = path_of(spec, ".json");
    if (!fs::exists(path) || (with_models && !fs::exists(path_of(spec, ".gwm")))) return std::nullopt;
    const json kept = parse_or_null(read_file(path));
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
  store.keep = [=, labels = examples.labels](const ModelSpec& spec, const ModelResult& result, const Model& model) {
    if (with_models) save_model(model, path_of(spec, ".gwm"));
    write_file(path_of(spec, ".json"),
               pretty({{"entry", to_json(spec)}, {"data", data}, {"result", to_json(result, labels)}}));
  };
  return store;
}

void RunFolder::write(const Examples& examples, const Split& split, const StudyResult& result,
                      const json& results) const {
  if (result.best) write_file(folder_ / "best.gwm", read_file(model_path(result.models[*result.best].name)));
  write_file(folder_ / "predictions.csv", predictions_csv(examples, split, result));
  if (results.contains("ablation")) write_file(folder_ / "ablation.csv", ablation_csv(results.at("ablation")));
  write_file(folder_ / "report.html", render_report(results));
  write_file(folder_ / "results.json", pretty(results));
}

}  // namespace genrewise
