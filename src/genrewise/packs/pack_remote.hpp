// A pack on its way to an object store: shards are made on this machine and uploaded one by one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <string>

#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/storage/object_store.hpp"

namespace genrewise {

/// The folder `place` of a store while it is being packed into. "<place>/.pack/plan" holds the fingerprint of the pack
/// until its manifest is there.
class RemotePack {
 public:
  /// `place`: "s3://bucket/prefix" or "gs://bucket/prefix".
  explicit RemotePack(std::string place);
  /// Waits for the upload that is on its way.
  ~RemotePack();
  RemotePack(const RemotePack&) = delete;
  RemotePack& operator=(const RemotePack&) = delete;

  /// Claims the place for this pack, or goes on with what an earlier run left of it. Throws Error when it holds
  /// anything else.
  void begin(const std::string& fingerprint);
  /// Whether a shard with that name and size is there.
  bool has(const PackedShard& shard) const;
  /// Begins to upload a shard, after the one before is there, and takes the local file away at the end. Throws what
  /// went wrong with the one before.
  void store(const std::filesystem::path& file);
  /// All shards are handed over: waits for the last, and puts the manifest. Throws Error when another pack took the
  /// place meanwhile.
  void finish(const std::string& manifest);
  /// Nothing could be packed: takes back what is there of it.
  void abandon();

 private:
  std::string plan() const { return join_place(place_, ".pack/plan"); }
  void wait();

  const std::string place_;
  const std::shared_ptr<ObjectStore> store_;
  std::string fingerprint_;
  std::map<std::string, std::uint64_t, std::less<>> sizes_;  // of the shards that are there, by name
  std::future<void> upload_;
};

}  // namespace genrewise
