// Reads the documents of finished runs.
#include <fmt/format.h>

#include "genrewise/base/json_file.hpp"
#include "genrewise/report/formats.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/folder_lock.hpp"
#include "genrewise/study/run_document.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr char kRunAgain[] = "run the command of the study or search again; finished models are reused";

/// Throws the Error that explains why the folder has no results.
[[noreturn]] void refuse(const fs::path& folder) {
  const std::string where = folder.string();
  if (!folder_exists(folder)) {
    throw Error(file_exists(folder) ? "is not a run folder" : "there is no such folder", where,
                "give the folder that `genrewise study` or `genrewise tune` wrote with -o");
  }
  if (file_exists(folder / "curves.csv") || file_exists(folder / "last.safetensors")) {
    throw Error("is the folder of one network's training (train --run), which has no report", where,
                "its losses and accuracies are in curves.csv and, for TensorBoard, in its event files");
  }
  if (!file_exists(folder / "config.json")) {
    throw Error("is not a run folder: it has neither results.json nor tuning.json", where,
                "give the folder that `genrewise study` or `genrewise tune` wrote with -o");
  }
  if (is_locked(folder)) throw Error("the run is still going on", where, "wait until it is finished");
  const fs::path path = folder / "config.json";
  const json config = parse_sealed_json(read_file(path), path.string(), kRunAgain).value;
  require_known_version(config, path.string());
  const std::string command =
      read_json(path.string(), kRunAgain, [&]() -> std::string { return config.value("command", ""); });
  throw Error("the run is not finished: it has neither results.json nor tuning.json", where,
              command.empty() ? kRunAgain : "continue it: " + command);
}

}  // namespace

json read_run(const fs::path& location) {
  for (const fs::path& path : {location, location / "results.json", location / "tuning.json"}) {
    const bool named = path != location || location.extension() == ".json";
    if (!named || !file_exists(path)) continue;
    const json document = require_sealed_json(read_file(path), path.string(), kRunAgain);
    const bool search = document.value("format", json()) == "genrewise tuning";
    require_document(document, search ? "genrewise tuning" : "genrewise results", {"name", "dataset"}, path.string());
    return document;
  }
  refuse(location);
}

}  // namespace genrewise
