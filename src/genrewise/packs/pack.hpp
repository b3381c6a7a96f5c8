// Tracks -> sharded records with a manifest: in parallel over clips, bounded in memory, resumable at any moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/packs/pack_manifest.hpp"

namespace genrewise {

struct PackConfig {
  int shards = 16;
  std::uint64_t seed = kDefaultSeed;  ///< of the shuffle before the examples are dealt to shards
  std::string prefix = {};            ///< of the shards' names; empty: "<recipe>-"
  StoredAs stored_as = StoredAs::float32;
  Compression compression = Compression::none;
  int threads = 0;  ///< 0: the budget
  /// For shards on their way to an object store; empty: local_work_path() of the folder.
  std::filesystem::path work_folder = {};
};

/// What is to be packed: the vectors have one entry per example, but for artists and albums, which may have none.
struct PackJob {
  FeatureRecipe recipe;
  std::size_t values = 0;  ///< numbers per example
  std::vector<std::string> labels;
  std::vector<std::string> track_ids;  ///< unique
  std::vector<int> classes;
  std::vector<std::string> artists = {}, albums = {};  ///< for splits made later; no entries, or one each
  std::vector<std::optional<Part>> parts;
  std::string split_scheme = "none";
  /// Whatever else decides an example's numbers (file, clip), in words; empty: nothing does.
  std::function<std::string(std::size_t example)> source = {};
  /// Writes the numbers of one example; `worker` in [0, threads) names the thread.
  std::function<Expected<void>(std::size_t example, int worker, std::span<float> out)> extract;
};

struct PackResult {
  std::size_t examples = 0;    ///< in the shards
  std::size_t reused = 0;      ///< of them, ready from an earlier run
  std::uint64_t bytes = 0;     ///< of all shards
  std::vector<Fault> skipped;  ///< examples that could not be used, shard by shard
  std::optional<PackLoss> loss;
  double pack_s = 0;  ///< of this run, wall clock
};

/// Packs into `folder` (made where it is not): shards "<prefix>NN-<count>.tfrec" and at last manifest.json
/// (docs/record_format.md). The examples, in the order of their track ids, are shuffled by the seed and dealt to shards
/// in equal runs; the files are the same, byte for byte, for any number of threads and interruptions.
///
/// While it runs, what is ready lies in "<folder>/.pack": killed at any moment and started again, it goes on behind the
/// last whole record. What was skipped is not tried again. A folder that holds the same pack already is left as it is.
/// Memory: a few examples per thread, and about half a KB for each example of the job (its record in the manifest with
/// the names that the job gives, and the manifest's text at the end), besides the job itself.
///
/// `folder` may be a place in an object store ("s3://bucket/prefix"). Then shards are made in a folder of this machine
/// and uploaded while the next one is made; the disk holds at most three of them, memory five parts of 8 MiB more. The
/// manifest is put last. Interrupted, the same command on the same machine goes on: shards that are there are not made
/// or sent again.
///
/// Throws Error when the folder holds something else or another run packs into it, when no example could be used, when
/// it cannot be written (full disk, read-only); Interrupted on Ctrl-C.
PackResult pack_examples(const PackJob& job, const std::filesystem::path& folder, const PackConfig& config,
                         Progress& progress);

/// Decodes and packs the clips of a dataset. `split`: null for records without parts.
PackResult pack_dataset(const Dataset& dataset, const FeatureSet& set, const Split* split,
                        const std::filesystem::path& folder, const PackConfig& config, Progress& progress);

}  // namespace genrewise
