#include "genrewise/study/tuning_folder.hpp"

#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

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
