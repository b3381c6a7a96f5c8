// Uploads a pack to an object store: shards are written locally and uploaded one by one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <string>

#include "genrewise/packs/pack.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {

/// Content of "FOLDER/.pack/plan", locally and in a store: the fingerprint of the pack and the number of shards.
std::string plan_text(const std::string& fingerprint, const PackConfig& config);

/// Folder in an object store that is being packed into. "FOLDER/.pack/plan" contains the fingerprint of the pack
/// until its manifest is written.
class RemotePack {
 public:
  /// `folder`: "s3://bucket/prefix" or "gs://bucket/prefix".
  explicit RemotePack(std::string folder) : folder_(std::move(folder)) {}
  /// Waits for the running upload.
  ~RemotePack();
  RemotePack(const RemotePack&) = delete;
  RemotePack& operator=(const RemotePack&) = delete;

  /// Claims the folder for this pack, or continues an earlier run. Throws Error if it contains anything else.
  void begin(const std::string& fingerprint, const PackConfig& config);
  /// Copies the manifest of a finished shard from the store to the local work folder or the other way, where one of
  /// them lacks it: another machine finished the shard, or this one was killed before it sent the manifest.
  void share_state(const std::filesystem::path& work, int number) const;
  /// Whether a shard with that name and size exists.
  bool has(const PackedShard& shard) const;
  /// Waits for the previous upload, then starts uploading a shard; removes the local file afterwards. Throws the error
  /// of the previous upload. `state`, the shard's own manifest, follows into ".pack/" unless it is empty.
  void store(const std::filesystem::path& file, const std::filesystem::path& state = {});
  /// Waits for the last upload; throws its error.
  void wait();
  /// Call after the last shard: waits for its upload and writes the manifest. Throws Error if the plan was removed or
  /// replaced meanwhile.
  void finish(const std::string& manifest);
  /// Call if nothing could be packed: removes the files of this pack.
  void abandon();

 private:
  std::string file(std::string_view name) const { return join_location(folder_, name); }
  std::string plan() const { return file(".pack/plan"); }

  const std::string folder_;
  std::string fingerprint_;
  std::map<std::string, std::uint64_t, std::less<>> sizes_;  // sizes of the uploaded shards, by name
  std::future<void> upload_;
};

}  // namespace genrewise
