/// @file
/// Packs examples into sharded record files with a manifest: in parallel over clips, in bounded memory, resumable.
/// @code
/// const auto set = make_feature_set("mel224");  // pretrained/feature_sets.hpp
/// const auto packed = pack_dataset(open_dataset("fma"), {{set.get(), "packs/fma"}}, nullptr, {}, progress);
/// @endcode
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/job_part.hpp"
#include "genrewise/base/progress.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/packs/pack_manifest.hpp"

namespace genrewise {

struct PackConfig {
  int shards = 16;
  std::uint64_t seed = kDefaultSeed;  ///< of the shuffle before examples are assigned to shards
  std::string prefix = {};            ///< of shard file names; empty: "RECIPE-"
  StoredAs stored_as = StoredAs::float32;
  Compression compression = Compression::none;
  RecordForm form = {};
  int threads = 0;  ///< 0: the thread budget
  /// Local folder for shards that are uploaded to an object store; empty: local_work_path() of the folder.
  std::filesystem::path work_folder = {};
  /// Packs a contiguous range of the shards only and writes no manifest; merge_pack() does. Parts of other numbers N
  /// may work at the same time.
  std::optional<JobPart> part = {};
};

/// Input of a pack. Vectors have one entry per example; artists and albums may be empty.
struct PackJob {
  FeatureRecipe recipe;
  std::size_t values = 0;  ///< numbers per example
  std::vector<std::string> labels;
  std::vector<std::string> track_ids;  ///< unique
  std::vector<int> classes;
  std::vector<std::string> artists = {}, albums = {};  ///< for later splits; empty, or one entry per example
  std::vector<std::optional<Part>> parts;
  std::string split_scheme = "none";
  /// Text of everything else that determines an example's numbers (file, clip); may be empty.
  std::function<std::string(std::size_t example)> source = {};
  /// Computes the numbers of one example; `worker` in [0, threads) is the index of the calling thread.
  std::function<Expected<void>(std::size_t example, int worker, std::span<float> out)> extract;
};

struct PackResult {
  std::size_t shards = 0;      ///< of the pack, or of the part
  std::size_t examples = 0;    ///< examples in the shards
  std::size_t reused = 0;      ///< of these, from an earlier run
  std::uint64_t bytes = 0;     ///< size of all shards
  std::vector<Fault> skipped;  ///< unusable examples, shard by shard
  std::optional<PackLoss> loss;
  double pack_s = 0;  ///< wall-clock time of this run
};

/// Packs into `folder` (created if missing) as docs/record_format.md states; a folder with the same finished pack is
/// left unchanged. Memory: a few examples per thread, and about 500 bytes per example of the job (its entry in the
/// manifest), besides the job itself.
///
/// `folder` may be a location in an object store ("s3://bucket/prefix"). Then each shard is written in a local folder
/// and uploaded while the next one is written; at most three are on the disk, and memory grows by five parts of 8 MiB.
///
/// A part leaves "FOLDER/.pack/NN.json" for each of its shards. A shard is packed by one run at a time, locally by a
/// lock; machines that pack the same shard into a store write the same bytes.
///
/// Throws Error if the folder contains anything else, another run packs into it, no example can be used, or it cannot
/// be written (full disk, read-only); Interrupted on Ctrl-C.
PackResult pack_examples(const PackJob& job, const std::filesystem::path& folder, const PackConfig& config,
                         Progress& progress);

/// A pack to write.
struct PackOutput {
  const FeatureSet* set = nullptr;
  std::filesystem::path folder;
};

/// Decodes and packs the clips of a dataset; every clip is decoded once for all packs, which are the same as if each
/// was written alone. Tracks without a genre get the label "unlabelled". `split`: null for records without parts.
std::vector<PackResult> pack_dataset(const Dataset& dataset, const std::vector<PackOutput>& outputs, const Split* split,
                                     const PackConfig& config, Progress& progress);

}  // namespace genrewise
