#include "genrewise/data_source/table_facts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "genrewise/base/byte_text.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/features/feature_table.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;  // of "examples"

json examples_json(const TableFacts& facts) {
  const SplitSubjects& subjects = facts.subjects;
  json genres = json::array(), parts = json::array();
  for (const int label : subjects.labels)
    genres.push_back(label < 0 ? json() : any_text(subjects.labels_by_name[static_cast<std::size_t>(label)]));
  for (const auto& part : subjects.official) parts.push_back(part ? json(to_string(*part)) : json());
  return {{"version", kVersion},
          {"identities", facts.identities},
          {"genres", std::move(genres)},
          {"artists", any_texts(subjects.artists)},
          {"albums", any_texts(subjects.albums)},
          {"files", any_texts(subjects.tracks)},
          {"parts", std::move(parts)}};
}

/// Throws json::exception if a value is missing or of another type.
void read_examples(const json& examples, TableFacts& facts) {
  if (examples.at("version").get<int>() != kVersion) return;
  SplitSubjects& subjects = facts.subjects;
  facts.identities = examples.at("identities").get<std::vector<std::string>>();
  subjects.artists = any_texts(examples.at("artists"));
  subjects.albums = any_texts(examples.at("albums"));
  subjects.tracks = any_texts(examples.at("files"));
  const auto genres = examples.at("genres").get<json::array_t>(), parts = examples.at("parts").get<json::array_t>();
  std::set<std::string> names;
  for (const json& genre : genres)
    if (!genre.is_null()) names.insert(any_text(genre));
  subjects.labels_by_name.assign(names.begin(), names.end());
  for (const json& genre : genres) {
    const auto at = genre.is_null() ? names.end() : names.find(any_text(genre));
    subjects.labels.push_back(at == names.end() ? -1 : static_cast<int>(std::distance(names.begin(), at)));
  }
  for (const json& part : parts)
    subjects.official.push_back(part.is_null() ? std::nullopt : parse_part(part.get<std::string>()));
}

}  // namespace

std::optional<TableFacts> read_table_facts(const std::filesystem::path& table) {
  const auto document = read_sidecar(table);
  if (!document || !document->contains("source")) return std::nullopt;
  return read_json(sidecar_path(table).string(), kSidecarRemedy, [&] {
    TableFacts facts;
    const json &source = document->at("source"), &recipe = document->at("recipe");
    facts.dataset = source.at("dataset");
    facts.kind = source.at("kind");
    facts.tracks = source.at("tracks");
    facts.fingerprint = source.at("fingerprint");
    if (source.contains("bytes")) facts.bytes = source.at("bytes");
    facts.skipped = document->at("skipped").get<std::vector<Fault>>();
    facts.recipe = {recipe.at("name"), recipe.at("version"), recipe.at("hash")};
    if (document->contains("examples")) read_examples(document->at("examples"), facts);
    return std::optional(std::move(facts));
  });
}

bool same_examples(const TableFacts& a, const TableFacts& b) {
  return examples_json(a) == examples_json(b);
}

std::string recipe_text(const FeatureRecipe& recipe) {
  return recipe.name + '\0' + std::to_string(recipe.version) + '\0' + recipe.hash + '\0';
}

json to_json(const TableFacts& facts) {
  json all = {{"source",
               {{"dataset", facts.dataset},
                {"kind", facts.kind},
                {"tracks", facts.tracks},
                {"fingerprint", facts.fingerprint},
                {"bytes", facts.bytes}}},
              {"skipped", facts.skipped},
              {"examples", examples_json(facts)}};
  if (facts.part) {
    const auto& [part, skipped_keys] = *facts.part;
    all["part"] = {{"number", part.number}, {"count", part.count}, {"skipped_keys", json(skipped_keys)}};
  }
  return all;
}

void replace_table_facts(const std::filesystem::path& table, const TableFacts& facts) {
  json document = read_sidecar(table).value_or(json::object());
  document.update(to_json(facts));
  write_file(sidecar_path(table), sealed_text(std::move(document), 1));
}

Examples examples_of(const std::filesystem::path& table, TableFacts facts) {
  Examples examples;
  examples.name = facts.dataset;
  examples.table = read_feature_table(table);
  examples.subjects = std::move(facts.subjects);
  SplitSubjects& subjects = examples.subjects;
  const std::size_t rows = examples.table.track_ids.size();
  if (subjects.labels.size() != rows || subjects.artists.size() != rows || subjects.albums.size() != rows ||
      subjects.tracks.size() != rows || subjects.official.size() != rows) {
    throw Error("its .json has another number of examples than the table has rows", table.string(),
                "the two files do not belong together: extract the features again");
  }
  subjects.ids = examples.table.track_ids;
  examples.labels = subjects.labels_by_name;
  std::vector<std::size_t> labelled;
  for (std::size_t i = 0; i < rows; ++i)
    if (subjects.labels[i] >= 0) labelled.push_back(i);
  if (labelled.size() < rows) examples = select_examples(examples, labelled);
  return examples;
}

}  // namespace genrewise
