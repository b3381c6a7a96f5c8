#include "genrewise/data_source/feature_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/data_source/table_facts.hpp"
#include "genrewise/dataset/clip_identity.hpp"
#include "genrewise/features/feature_table.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

struct Kept {
  fs::path table;
  fs::file_time_type used;
  std::uint64_t bytes = 0;
};

/// The tables in a folder, the last used first. Other processes may remove them at any time.
std::vector<Kept> kept_in(const fs::path& folder) {
  std::vector<Kept> kept;
  std::error_code code;
  for (const fs::path& path : entries_of(folder, code)) {
    if (path.extension() != ".npy") continue;
    const fs::file_time_type used = fs::last_write_time(path, code);
    if (code) continue;
    std::uint64_t bytes = 0;
    for (const fs::path& file : {path, sidecar_path(path)})
      if (const std::uintmax_t size = fs::file_size(file, code); !code) bytes += size;
    kept.push_back({path, used, bytes});
  }
  std::ranges::sort(kept, std::greater(), &Kept::used);
  return kept;
}

void discard(const fs::path& table) {
  std::error_code ignored;
  fs::remove(table, ignored);
  fs::remove(sidecar_path(table), ignored);
}

std::set<std::string> clips_of(const fs::path& table) {
  try {
    const auto facts = read_table_facts(table);
    if (facts) return {facts->identities.begin(), facts->identities.end()};
  } catch (const Interrupted&) {
    throw;
  } catch (const Error&) {  // damaged or removed: of no use
  }
  return {};
}

}  // namespace

std::optional<FeatureCache> FeatureCache::of_user() {
  const std::string given = environment_variable("GENREWISE_CACHE");
  if (given == "off") return std::nullopt;
  if (!given.empty()) return FeatureCache(given);
  const fs::path cache = environment_variable("XDG_CACHE_HOME"), home = environment_variable("HOME");
  if (!cache.is_absolute() && !home.is_absolute()) return std::nullopt;
  return FeatureCache((cache.is_absolute() ? cache : home / ".cache") / "genrewise" / "features");
}

fs::path FeatureCache::folder_of(const FeatureRecipe& recipe) const {
  return folder_ / fmt::format("{}-{}", recipe.name, recipe.hash.substr(0, 16));
}

std::vector<fs::path> FeatureCache::tables(const FeatureRecipe& recipe) const {
  std::vector<fs::path> tables;
  for (const Kept& kept : kept_in(folder_of(recipe))) tables.push_back(kept.table);
  return tables;
}

double FeatureCache::share(const Dataset& dataset, const FeatureSet& set) const {
  std::set<std::string> there;
  for (const fs::path& table : tables(set.recipe())) there.merge(clips_of(table));
  if (there.empty() || dataset.tracks.empty()) return 0;
  const auto found = std::ranges::count_if(
      clip_identities(dataset), [&](const ClipIdentity& identity) { return there.contains(identity.key()); });
  return static_cast<double>(found) / static_cast<double>(dataset.tracks.size());
}

void FeatureCache::touch(const fs::path& table) {
  std::error_code ignored;
  fs::last_write_time(table, fs::file_time_type::clock::now(), ignored);
}

fs::path FeatureCache::location(const FeatureRecipe& recipe, const std::string& fingerprint) const {
  make_folders(folder_of(recipe));
  return folder_of(recipe) / (fingerprint.substr(0, 16) + ".npy");
}

void FeatureCache::tidy(const FeatureRecipe& recipe, const fs::path& table) const {
  const std::set<std::string> clips = clips_of(table);
  for (const fs::path& other : tables(recipe))
    if (other != table && std::ranges::includes(clips, clips_of(other))) discard(other);
  std::vector<Kept> all;
  std::error_code code;
  for (const fs::path& folder : entries_of(folder_, code)) std::ranges::move(kept_in(folder), std::back_inserter(all));
  std::ranges::sort(all, std::greater(), &Kept::used);
  std::uint64_t bytes = 0;
  for (const Kept& kept : all) {
    if (bytes + kept.bytes > most_bytes_) {
      discard(kept.table);
    } else {
      bytes += kept.bytes;
    }
  }
}

}  // namespace genrewise
