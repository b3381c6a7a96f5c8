// Uploads a pack to an object store: shards are written locally and uploaded one by one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <string>

#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {

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
  void begin(const std::string& fingerprint);
  /// Whether a shard with that name and size exists.
  bool has(const PackedShard& shard) const;
  /// Waits for the previous upload, then starts uploading a shard; removes the local file afterwards. Throws the error
  /// of the previous upload.
  void store(const std::filesystem::path& file);
  /// Call after the last shard: waits for its upload and writes the manifest. Throws Error if the plan was removed or
  /// replaced meanwhile.
  void finish(const std::string& manifest);
  /// Call if nothing could be packed: removes the files of this pack.
  void abandon();

 private:
  std::string file(std::string_view name) const { return join_location(folder_, name); }
  std::string plan() const { return file(".pack/plan"); }
  void wait();

  const std::string folder_;
  std::string fingerprint_;
  std::map<std::string, std::uint64_t, std::less<>> sizes_;  // sizes of the uploaded shards, by name
  std::future<void> upload_;
};

}  // namespace genrewise
