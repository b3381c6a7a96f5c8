// A pack on its way to an object store: shards are made on this machine and uploaded one by one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <string>

#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {

/// The folder of a store while it is being packed into. "<folder>/.pack/plan" holds the fingerprint of the pack until
/// its manifest is there.
class RemotePack {
 public:
  /// `folder`: "s3://bucket/prefix" or "gs://bucket/prefix".
  explicit RemotePack(std::string folder) : folder_(std::move(folder)) {}
  /// Waits for the upload that is on its way.
  ~RemotePack();
  RemotePack(const RemotePack&) = delete;
  RemotePack& operator=(const RemotePack&) = delete;

  /// Claims the folder for this pack, or continues what an earlier run left of it. Throws Error when it holds anything
  /// else.
  void begin(const std::string& fingerprint);
  /// Whether a shard with that name and size is there.
  bool has(const PackedShard& shard) const;
  /// Begins to upload a shard, after the one before is there, and removes the local file at the end. Throws what went
  /// wrong with the one before.
  void store(const std::filesystem::path& file);
  /// All shards are handed over: waits for the last, and writes the manifest. Throws Error when the plan was removed or
  /// replaced meanwhile.
  void finish(const std::string& manifest);
  /// Nothing could be packed: removes what is there of it.
  void abandon();

 private:
  std::string file(std::string_view name) const { return join_location(folder_, name); }
  std::string plan() const { return file(".pack/plan"); }
  void wait();

  const std::string folder_;
  std::string fingerprint_;
  std::map<std::string, std::uint64_t, std::less<>> sizes_;  // of the shards that are there, by name
  std::future<void> upload_;
};

}  // namespace genrewise
