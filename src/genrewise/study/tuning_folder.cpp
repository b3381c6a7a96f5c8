#include "genrewise/study/tuning_folder.hpp"

#include <fstream>
#include <map>
#include <memory>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

using FoldScores = std::map<std::pair<Parameters, int>, FoldScore>;

/// Reads the scores of the same data from the journal, and rewrites it without incomplete lines and scores of other
/// data, so that it can be appended to.
FoldScores reopen(const fs::path& path, const std::string& data) {
  FoldScores scores;
  if (!fs::exists(path)) return scores;
  std::string kept;
  for (const std::string& line : split_text(read_file(path), '\n')) {
    const json entry = json::parse(line, nullptr, false);
    if (!entry.is_object() || entry.value("data", json()) != json(data)) continue;
    try {
      scores.insert_or_assign({entry.at("parameters").get<Parameters>(), entry.at("fold").get<int>()},
                              fold_score_from_json(entry.at("score")));
      kept += line + '\n';
    } catch (const json::exception&) {
      continue;  // written by a version with another format
    }
  }
  write_file(path, kept);
  return scores;
}

}  // namespace

TuningFolder::TuningFolder(fs::path folder, const json& config, bool replace)
    : folder_(std::move(folder)), claim_(claim_run_folder(folder_, config, replace)) {}

TuningStore TuningFolder::store(const Examples& examples) const {
  const fs::path path = folder_ / "folds.jsonl";
  const std::string data = fingerprint(examples, {});
  const auto scores = std::make_shared<const FoldScores>(reopen(path, data));
  TuningStore store;
  store.find = [scores](const Parameters& parameters, int fold) -> std::optional<FoldScore> {
    const auto found = scores->find({parameters, fold});
    return found == scores->end() ? std::nullopt : std::optional(found->second);
  };
  store.keep = [path, data](const Parameters& parameters, int fold, const FoldScore& score) {
    std::ofstream out(path, std::ios::app);
    out << json{{"data", data}, {"parameters", parameters}, {"fold", fold}, {"score", to_json(score)}}.dump() << '\n'
        << std::flush;
    if (!out) throw_system_error("cannot store a finished fold", path.string());
  };
  return store;
}

}  // namespace genrewise
