// Rows of earlier extractions by recipe and clip, for later runs (docs/pipeline.md, "The cache of features").
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/dataset/dataset.hpp"
#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// A folder of feature tables, RECIPE-HASH/FINGERPRINT.npy, as extract_features() writes them. A finished table never
/// changes, so any number of processes may use the folder.
class FeatureCache {
 public:
  static constexpr std::uint64_t kMostBytes = std::uint64_t{2} << 30;
  /// Wider rows, images and raw samples, cost less to extract again than to keep.
  static constexpr std::size_t kMostColumns = 8192;

  explicit FeatureCache(std::filesystem::path folder, std::uint64_t most_bytes = kMostBytes)
      : folder_(std::move(folder)), most_bytes_(most_bytes) {}
  /// $GENREWISE_CACHE, by default genrewise/features in $XDG_CACHE_HOME or ~/.cache; nothing if that is "off" or there
  /// is no home.
  static std::optional<FeatureCache> of_user();

  /// Tables of a recipe, the last used first.
  std::vector<std::filesystem::path> tables(const FeatureRecipe& recipe) const;
  /// Share of the dataset's tracks with a row of that set in some table.
  double share(const Dataset& dataset, const FeatureSet& set) const;
  /// Marks a table as used.
  static void touch(const std::filesystem::path& table);
  /// Where a new table is to be written; its folder is created.
  std::filesystem::path location(const FeatureRecipe& recipe, const std::string& fingerprint) const;
  /// Call after `table` was written: removes tables of its recipe whose clips are all in it, and then those that do
  /// not fit into the limit with all that were used later.
  void tidy(const FeatureRecipe& recipe, const std::filesystem::path& table) const;

 private:
  std::filesystem::path folder_of(const FeatureRecipe& recipe) const;

  std::filesystem::path folder_;
  std::uint64_t most_bytes_;
};

}  // namespace genrewise
