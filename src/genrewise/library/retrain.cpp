#include "genrewise/library/retrain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/genre_map.hpp"
#include "genrewise/evaluation/statistics.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/library/stored.hpp"
#include "genrewise/models/point.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/held_out.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kLeastArtists = 3;
constexpr double kSignificance = 0.05;
constexpr char kFact[] = "library_accuracy";  // in Model::facts

std::string genre_of(const CatalogueTrack& track, const RetrainConfig& config, const GenreMap& map) {
  if (!track.correction.empty()) return track.correction;
  if (!config.tags) return {};
  const auto genres = map.fold(track.tags.genres, config.top_genres);
  return genres.empty() ? "" : genres.front();
}

/// The feature set to fit on. Throws Error where no rows of it are stored, or of another version.
std::unique_ptr<FeatureSet> stored_set(const Catalogue& catalogue, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [recipe, tracks] : catalogue.stored_features()) {
    names.push_back(recipe.name);
    if (!name.empty() && recipe.name != name) continue;
    auto set = make_feature_set(recipe.name);
    if (set->recipe() == recipe) return set;
  }
  throw Error(fmt::format("the catalogue has no features{}{} of this version", name.empty() ? "" : " ", name),
              catalogue.file().string(),
              names.empty() ? "analyse tracks with `genrewise library scan`"
                            : fmt::format("it has {}; `genrewise library scan --features NAME` adds others",
                                          fmt::join(names, ", ")));
}

/// Tracks with a genre of their owner; `examples` has their rows in the same order.
struct Labelled {
  std::vector<CatalogueTrack> tracks;
  std::vector<std::string> genres;
  Examples examples;
};

SplitSubjects subjects_of(const std::vector<CatalogueTrack>& tracks, const std::vector<std::string>& genres) {
  SplitSubjects subjects;
  for (const CatalogueTrack& track : tracks) {
    subjects.ids.push_back(std::to_string(track.id));
    subjects.artists.push_back(folded(track.tags.artist));
    subjects.albums.push_back(track.tags.album.empty() ? "" : track.path.parent_path().string());
    subjects.tracks.push_back(track.fingerprint.empty() ? subjects.ids.back() : track.fingerprint);
  }
  subjects.official.resize(tracks.size());
  set_labels(subjects, genres);
  return subjects;
}

/// Leaves out genres with too few tracks or artists.
void leave_out_small(Labelled& labelled, std::size_t least, std::vector<std::string>& notes) {
  std::vector<std::size_t> all(labelled.tracks.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const auto groups = groups_of(subjects_of(labelled.tracks, labelled.genres), all);
  std::map<std::string, std::pair<std::size_t, std::set<std::string>>> counts;
  for (const std::size_t i : all) {
    auto& [tracks, artists] = counts[labelled.genres[i]];
    ++tracks;
    artists.insert(groups[i]);
  }
  std::vector<std::string> small;
  for (const auto& [genre, count] : counts)
    if (count.first < least || count.second.size() < kLeastArtists)
      small.push_back(fmt::format("{} ({} of {})", genre, count.first, count.second.size()));
  const std::string left_out = fmt::format("genres with fewer than {} tracks or {} artists are left out: {}", least,
                                           kLeastArtists, fmt::join(small, ", "));
  if (counts.size() < small.size() + 2)
    throw Error(small.empty() ? "fewer than two genres are known from tags and corrections" : left_out, "retrain",
                "correct some tracks with `genrewise library correct`, or lower --min-tracks");
  if (!small.empty()) notes.push_back(left_out);
  std::size_t kept = 0;
  for (const std::size_t i : all) {
    const auto& [tracks, artists] = counts.at(labelled.genres[i]);
    if (tracks < least || artists.size() < kLeastArtists) continue;
    labelled.genres[kept] = labelled.genres[i];
    std::swap(labelled.tracks[kept++], labelled.tracks[i]);
  }
  labelled.genres.resize(kept);
  labelled.tracks.resize(kept);
}

Labelled labelled_tracks(const Catalogue& catalogue, const FeatureSet& set, const RetrainConfig& config,
                         const GenreMap& map, std::vector<std::string>& notes) {
  Labelled labelled;
  Database& database = catalogue.database();
  const std::int64_t recipe = recipe_id(database, set.recipe(), set.size());
  const Query with_features{"id IN (SELECT features.track FROM features WHERE recipe = ?)", {recipe}, true};
  for (CatalogueTrack& track : find_tracks(catalogue, with_features)) {
    std::string genre = genre_of(track, config, map);
    if (genre.empty()) continue;
    labelled.genres.push_back(std::move(genre));
    labelled.tracks.push_back(std::move(track));
  }
  leave_out_small(labelled, config.min_tracks, notes);
  Examples& examples = labelled.examples;
  examples.name = catalogue.file().filename().string();
  examples.subjects = subjects_of(labelled.tracks, labelled.genres);
  examples.labels = examples.subjects.labels_by_name;
  examples.table = {set.recipe(), set.columns(), examples.subjects.ids, Matrix(labelled.tracks.size(), set.size())};
  for (std::size_t i = 0; i < labelled.tracks.size(); ++i) {
    auto row = database.query("SELECT row FROM features WHERE track = ? AND recipe = ?", labelled.tracks[i].id, recipe);
    row.next();
    unpack(row.blob(0), examples.table.values.row(i));
  }
  return labelled;
}

/// What the classifier is, and how to make it.
struct Head {
  explicit Head(const RetrainConfig& config)
      : spec(parse_model(config.classifier, Values::single)), point(spec.parameters) {
    preprocessing.seed = config.seed;
    preprocessing = preprocessing_for(spec.kind, preprocessing_of(point, preprocessing));
    make = [this, seed = config.seed] {
      return make_classifier(spec.kind, point.classifier, derive_seed(seed, spec.kind));
    };
  }
  ModelSpec spec;
  Point point;
  PreprocessingConfig preprocessing;
  std::function<std::unique_ptr<Classifier>()> make;
};

/// Whether each track is predicted correctly by a model that was fitted without its artist.
std::vector<bool> cross_validated(const Examples& examples, const Head& head, const RetrainConfig& config,
                                  Progress& progress) {
  int count = config.folds;
  const std::vector<int> folds = grouped_folds(examples.subjects, count, derive_seed(config.seed, "retrain"));
  std::vector<bool> hits(folds.size());
  progress.begin("cross-validation", "folds", static_cast<std::uint64_t>(count));
  for (int fold = 0; fold < count; ++fold) {
    throw_if_interrupted();
    std::vector<std::size_t> training, held_out;
    for (std::size_t i = 0; i < folds.size(); ++i) (folds[i] == fold ? held_out : training).push_back(i);
    const Model model = fit_model(examples, training, head.make(), head.preprocessing);
    const std::vector<int> predicted = model.predict(examples.table.values.select_rows(held_out));
    for (std::size_t i = 0; i < held_out.size(); ++i)
      hits[held_out[i]] = predicted[i] == examples.subjects.labels[held_out[i]];
    progress.advance();
  }
  progress.finish();
  return hits;
}

/// Whether a predicted genre is the owner's, in another spelling or as one of its kinds (Techno for Electronic).
bool is_genre(const std::string& predicted, const std::string& genre, const GenreMap& map) {
  if (name_key(predicted) == name_key(genre)) return true;
  std::string kind = map.find(predicted).value_or("");
  for (auto parent = map.parents().find(kind); kind != genre && parent != map.parents().end();
       parent = map.parents().find(kind))
    kind = parent->second;
  return kind == genre;
}

void compare_with_current(const Catalogue& catalogue, const Labelled& labelled, const GenreMap& map,
                          const std::vector<bool>& hits, RetrainResult& result) {
  const auto current = catalogue.current_model();
  if (!current) return;
  if (current->name != kZeroShot && path_exists(current->name)) {
    const auto facts = load_model(current->name).facts;
    if (const auto fact = facts.find(kFact); fact != facts.end() && fact->is_number()) {
      result.before = fact->get<double>();
      result.notes.push_back(
          "the current model was fitted on tracks of this catalogue too: its accuracy is that of its "
          "own cross-validation");
      return;
    }
  }
  std::vector<bool> before;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const CatalogueTrack& track = labelled.tracks[i];
    before.push_back(is_genre(track.predicted, labelled.genres[i], map));
  }
  const double right = static_cast<double>(std::ranges::count(before, true));
  result.before = right / static_cast<double>(hits.size());
  result.p_value = mcnemar(before, hits).p_value;
}

std::filesystem::path output_of(const Catalogue& catalogue, const RetrainConfig& config) {
  if (!config.output.empty()) return catalogue_path(config.output);
  for (int number = 1;; ++number) {
    auto file = catalogue.file().parent_path() / fmt::format("library-{}.gwm", number);
    if (!path_exists(file)) return file;
  }
}

void replace_model(Catalogue& catalogue, Model model, const RetrainConfig& config, Progress& progress,
                   RetrainResult& result) {
  result.model = output_of(catalogue, config);
  save_model(model, result.model);
  CatalogueModel written;
  written.name = result.model.string();
  written.sha256 = sha256_hex(read_file(result.model));
  written.labels = model.labels;
  written.recipe = model.recipe;
  const Predictor predictor(std::move(model));
  written.threshold = threshold_of(predictor);
  catalogue.database().transaction([&] {
    written.id = write_model(catalogue.database(), written, predictor.features().size());
    result.changed = predict_stored(catalogue, predictor, written, progress).changed;
  });
  result.replaced = true;
}

}  // namespace

RetrainResult retrain_library(Catalogue& catalogue, const RetrainConfig& config, Runtime& runtime) {
  const UseRuntime use(runtime);
  Progress& progress = runtime.progress();
  const Head head(config);
  std::optional<GenreMap> own_map;
  if (!config.genre_map.empty()) own_map.emplace(config.genre_map);
  const GenreMap& map = own_map ? *own_map : GenreMap::standard();
  RetrainResult result;
  const auto set = stored_set(catalogue, config.features);
  const Labelled labelled = labelled_tracks(catalogue, *set, config, map, result.notes);
  const Examples& examples = labelled.examples;
  std::vector<std::size_t> all(labelled.tracks.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const std::vector<std::string> groups = groups_of(examples.subjects, all);
  result.labels = examples.labels;
  result.examples = all.size();
  result.corrections = static_cast<std::size_t>(
      std::ranges::count_if(labelled.tracks, [](const CatalogueTrack& track) { return !track.correction.empty(); }));
  result.groups = std::set(groups.begin(), groups.end()).size();

  const std::vector<bool> hits = cross_validated(examples, head, config, progress);
  const Score score = wilson_score(static_cast<std::size_t>(std::ranges::count(hits, true)), hits.size());
  const auto grouped = cluster_bootstrap(hits, groups, config.seed).interval;
  result.accuracy = score.value;
  result.low = grouped ? grouped->low : score.low;
  result.high = grouped ? grouped->high : score.high;
  compare_with_current(catalogue, labelled, map, hits, result);
  const bool better =
      !result.before || (result.accuracy > *result.before && result.p_value.value_or(0) < kSignificance);
  if (config.dry_run || !(better || config.force)) return result;

  progress.begin("fitting", "fits", 1 + confidence_folds(all.size()));
  Model model = fit_model(examples, all, head.make(), head.preprocessing);
  progress.advance();
  add_confidence(model, examples, all, head.make, head.preprocessing, config.seed, progress);
  progress.finish();
  model.facts[kFact] = result.accuracy;
  replace_model(catalogue, std::move(model), config, progress, result);
  return result;
}

}  // namespace genrewise
