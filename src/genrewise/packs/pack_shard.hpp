// One shard while it is being packed: its files on disk, and resuming from them.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/packs/pack.hpp"
#include "genrewise/packs/pack_values.hpp"
#include "genrewise/storage/local_files.hpp"

namespace genrewise {

/// "FOLDER/.pack/NN.ENDING": a file of a shard that is being packed.
std::filesystem::path shard_state_path(const std::filesystem::path& folder, int number, const char* ending);

/// Writes the examples of one shard in order. Files in "FOLDER/.pack": "NN.tfrec", complete records and possibly an
/// incomplete one at the end; "NN.journal", one sealed JSON line per skipped example and, for lossy storage, per
/// record. Both survive a kill. finish() turns them into the shard and writes "NN.json", a manifest of this shard.
class ShardPacker {
 public:
  /// `examples`: indices into the job, in the order of the shard. Continues from the files of an earlier run.
  ShardPacker(const PackJob& job, const PackConfig& config, std::filesystem::path folder, int number,
              std::vector<std::size_t> examples);

  /// Number of examples that are written or skipped.
  std::size_t handled() const { return handled_; }
  std::size_t written() const { return shard_.records.size(); }
  std::size_t size() const { return examples_.size(); }

  /// Adds the next example: its numbers, or the reason why it is skipped.
  void add(std::span<const float> values);
  void skip(Fault fault);

  /// Call after the last example: stores the shard under its final name and returns its manifest.
  PackManifest finish();

  /// Manifest of a shard that an earlier run finished (its file may have been removed since). Empty if it is
  /// unfinished, and, with a note, if the manifest is damaged or not that of these examples.
  static std::optional<PackManifest> finished(const PackJob& job, const PackConfig& config,
                                              const std::filesystem::path& folder, int number,
                                              std::span<const std::size_t> examples);
  /// Removes the files of an unfinished shard.
  static void forget(const std::filesystem::path& folder, int number);

 private:
  struct Line {
    std::optional<Fault> skipped;
    PackLoss loss;
  };
  std::map<std::size_t, Line> read_journal() const;
  void take_over();
  void note(const Line& line, std::size_t example);
  PackedRecord record_of(std::size_t example, std::uint64_t offset, std::uint64_t payload_bytes) const;
  void compress(const std::filesystem::path& to);

  const PackJob& job_;
  const PackConfig& config_;
  std::filesystem::path folder_;
  int number_;
  std::vector<std::size_t> examples_;
  std::size_t handled_ = 0;
  PackedShard shard_;
  std::vector<Fault> skipped_;
  LossMeter loss_;
  std::optional<AppendFile> records_, journal_;
  SongEncoder encoder_;
  ExampleWriter example_;
  std::vector<float> decoded_;
  std::string frame_;
};

}  // namespace genrewise
