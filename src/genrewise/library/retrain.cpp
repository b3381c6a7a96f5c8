#include "genrewise/library/retrain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
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

/// Tracks with a genre of their owner and stored features.
struct Labelled {
  std::vector<CatalogueTrack> tracks;
  Examples examples;
};

std::string genre_of(const CatalogueTrack& track, const RetrainConfig& config, const GenreMap& map) {
  if (!track.correction.empty()) return track.correction;
  if (!config.tags) return {};
  const auto genres = map.fold(track.tags.genres, config.top_genres);
  return genres.empty() ? "" : genres.front();
}

FeatureRecipe stored_recipe(const Catalogue& catalogue, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [recipe, tracks] : catalogue.stored_features()) {
    if (name.empty() || recipe.name == name) return recipe;
    names.push_back(recipe.name);
  }
  throw Error(name.empty() ? "no track has features yet" : fmt::format("the catalogue has no features {}", name),
              catalogue.file().string(),
              names.empty() ? "analyse some with `genrewise library scan`"
                            : fmt::format("choose among {}, or store them with `genrewise library scan --features {}`",
                                          fmt::join(names, ", "), name));
}

Labelled labelled_tracks(const Catalogue& catalogue, const RetrainConfig& config, std::vector<std::string>& notes) {
  const GenreMap& map = config.genre_map.empty() ? GenreMap::standard() : GenreMap(config.genre_map);
  const FeatureRecipe recipe = stored_recipe(catalogue, config.features);
  const auto set = make_feature_set(recipe.name);
  if (set->recipe() != recipe)
    throw Error(fmt::format("its features {} are of another version than this program's", recipe.name),
                catalogue.file().string(), "analyse the tracks anew in another catalogue");
  auto with_features = catalogue.database().query(
      "SELECT track, row FROM features WHERE recipe = (SELECT id FROM recipes WHERE name = ? AND version = ? AND hash "
      "= ?)",
      recipe.name, recipe.version, recipe.hash);
  std::map<std::int64_t, std::vector<float>> rows;
  while (with_features.next()) unpack(with_features.blob(1), rows[with_features.integer(0)].emplace_back());
  return {};
}

}  // namespace
}  // namespace genrewise
