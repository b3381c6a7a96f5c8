// One shard while it is being packed: what is on the disk, and going on from there.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/packs/pack.hpp"
#include "genrewise/packs/pack_values.hpp"
#include "genrewise/storage/append_file.hpp"

namespace genrewise {

/// Writes the examples of one shard in order. On the disk lie, under "<folder>/.pack": "NN.tfrec", whole records and
/// perhaps half of one; "NN.journal", one JSON line per skipped example and, where numbers lose bits, per record; both
/// survive the death of the process. finish() makes the shard of them and writes "NN.json", a manifest of this shard.
class ShardPacker {
 public:
  /// `examples`: their numbers in the job, in the order of the shard. Takes over what an earlier run left.
  ShardPacker(const PackJob& job, const PackConfig& config, std::filesystem::path folder, int number,
              std::vector<std::size_t> examples);

  /// How many of the examples are written or skipped.
  std::size_t handled() const { return handled_; }
  std::size_t written() const { return shard_.records.size(); }
  std::size_t size() const { return examples_.size(); }

  /// The next example's numbers, or why there are none.
  void add(std::span<const float> values);
  void skip(Fault fault);

  /// All are handled: stores the shard under its name. Returns its manifest.
  PackManifest finish();

  /// The manifest of a shard that an earlier run finished (whose file may be gone since); nothing when it did not.
  static std::optional<PackManifest> finished(const std::filesystem::path& folder, int number);
  /// Throws away what lies on the disk of a shard that is not finished.
  static void forget(const std::filesystem::path& folder, int number);

 private:
  struct Line {
    std::optional<Fault> skipped;
    PackLoss loss;
  };
  std::map<std::size_t, Line> read_journal() const;
  void take_over();
  bool take_over_record(std::string_view track_id, std::map<std::size_t, Line>& lines);
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
