// Documents with checksums that name other files: packs, run folders, searches; and the catalogue of a library.
#include "genrewise/base/json_file.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/library/catalogue.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/library/similarity.hpp"
#include "genrewise/library/track_json.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/report/compare.hpp"
#include "genrewise/report/formats.hpp"
#include "genrewise/report/write_run.hpp"
#include "genrewise/study/run_document.hpp"
#include "genrewise/study/run_folder.hpp"
#include "targets.hpp"

namespace genrewise::fuzz {
namespace {

void pack(std::string_view input) {
  PackManifest manifest = open_pack(put_files(input));
  require(manifest.size() < (std::size_t{1} << 20));
  const PackManifest again = parse_manifest(to_json(manifest), "again");
  require(again.size() == manifest.size() && static_cast<const PackFormat&>(again) == manifest);
  verify_pack(manifest);
  Progress silent;
  const DataSource source({.location = manifest.folder.string()});
  source.load(silent);
}

// Finished models of a study and scores of a search on a labelled table, found again.
void continue_run(const std::filesystem::path& folder, const std::filesystem::path& table) {
  Progress silent;
  const Examples examples = DataSource({.location = table.string()}).load(silent).examples;
  const Split split = make_split(examples.subjects);
  for (const bool with_models : {true, false}) {
    succeeds([&] {
      const RunFolder run(folder / "study", {{"seed", 42}}, false);
      const StudyStore store = with_models ? run.store(examples, split) : run.scores_in("ablation", examples, split);
      for (const char* model : {"gnb", "tree"}) store.find(parse_model(model));
    });
  }
  succeeds([&] {
    const TuningStore store = TuningFolder(folder / "search", {{"seed", 42}}, false).store(examples);
    store.find({{"n_neighbors", "1"}}, 0);
  });
}

// A folder of one run, or with two runs "a" and "b" that are compared, or a table with runs that are continued.
void run(std::string_view input) {
  const auto& folder = put_files(input);
  const auto a = folder / "a", b = folder / "b";
  if (std::filesystem::exists(a)) {
    Progress silent;
    comparison_sections(compare_runs({a, b}, 1, silent));
    return;
  }
  if (const auto table = folder / "table.csv"; std::filesystem::exists(table)) return continue_run(folder, table);
  succeeds([&] { LockedFolder(folder, {{"seed", 42}}, false); });
  const nlohmann::json document = read_run(folder);
  for (const ReportFormat format :
       {ReportFormat::html, ReportFormat::markdown, ReportFormat::latex, ReportFormat::csv, ReportFormat::json})
    succeeds([&] { render_run(document, format); });
}

// models/NAME.json of a run folder.
void model_result(std::string_view input) {
  const nlohmann::json document = require_sealed_json(input, "fuzz.json");
  read_json("fuzz.json", {}, [&] { return model_result_from_json(document.at("result")); });
}

void catalogue(std::string_view input) {
  const Catalogue opened(put_file(scratch_folder(), "library.db", input));
  opened.roots();
  opened.current_model();
  opened.genres();
  opened.stored_features();
  const TrackLabels labels(opened);
  for (const CatalogueTrack& track : find_tracks(opened, parse_query("confidence:>0.1"))) {
    if (const auto whole = opened.track(track.id)) {
      track_json(*whole, labels);
      segments_json(*whole, labels);
    }
  }
  opened.track(std::filesystem::path("/music/a.mp3"));
  opened.models();
  for (const GroupBy by : {GroupBy::album, GroupBy::artist}) group_tracks(opened, find_tracks(opened, {}), by);
  find_duplicates(opened);
  opened.data_version();
  succeeds([&] { Catalogue(put_file(scratch_folder(), "library.db", input), Catalogue::Access::write); });
}

const AddTargets added{
    {"pack", pack, true}, {"run", run, true}, {"model_result", model_result}, {"catalogue", catalogue}};

}  // namespace
}  // namespace genrewise::fuzz
