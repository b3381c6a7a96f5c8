#include "genrewise/jobs/study_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "genrewise/dataset/clip_identity.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

/// Packs; with `replace`, a folder that cannot be continued is deleted once.
PackResult pack_or_replace(const PackJob& job, const std::filesystem::path& location, const PackConfig& config,
                           bool replace, Progress& progress) {
  if (replace && is_directory(location)) {
    try {
      return pack_examples(job, location, config, progress);
    } catch (const Interrupted&) {
      throw;
    } catch (const FileError&) {
      throw;
    } catch (const Error&) {  // records of other examples, or damaged ones
      remove_all(location);
    }
  }
  return pack_examples(job, location, config, progress);
}

}  // namespace

std::string write_records(const DataSource& source, const Examples& examples, const FeatureTable& table,
                          const Split& split, const std::filesystem::path& location, bool replace, Progress& progress) {
  const SplitSubjects& subjects = examples.subjects;
  std::map<std::string, std::string> sources;  // by track id
  for (const ClipIdentity& identity : clip_identities(source.audio())) sources[identity.id] = identity.portable_text();
  PackJob job{.recipe = table.recipe,
              .values = table.columns.size(),
              .labels = examples.labels,
              .track_ids = subjects.ids,
              .classes = subjects.labels,
              .artists = subjects.artists,
              .albums = subjects.albums,
              .parts = {split.parts.begin(), split.parts.end()},
              .split_scheme = std::string(to_string(split.scheme)),
              .source = [&](std::size_t i) { return sources[subjects.ids[i]]; },
              .extract = [&](std::size_t i, int, std::span<float> out) -> Expected<void> {
                std::ranges::copy(table.values.row(i), out.begin());
                return {};
              }};
  PackConfig config{.seed = split.seed};
  config.shards = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(config.shards), subjects.ids.size()));
  const PackResult packed = pack_or_replace(job, location, config, replace, progress);
  if (packed.reused < packed.examples) {
    progress.begin("verifying " + table.recipe.name, "packs", 1);
    const std::vector<Fault> faults = verify_pack(open_pack(location));
    progress.finish();
    if (!faults.empty())
      throw Error(fmt::format("the records that were just written are damaged: {}", to_string(faults.front())),
                  location.string(), "check the disk, delete the folder and run the same command again");
  }
  return fmt::format("Records of {}: {} examples in {} shards in {}.", table.recipe.name, packed.examples,
                     config.shards, location.string());
}

}  // namespace genrewise
