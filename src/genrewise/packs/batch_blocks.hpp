// Reads blocks of records from shards and checks them.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "genrewise/packs/batch_plan.hpp"
#include "genrewise/records/page_buffer.hpp"
#include "genrewise/records/record_reader.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

/// Bytes of a block and the selected records in them (an empty payload: damaged). Record lengths are checked, payload
/// checksums are not.
struct LoadedBlock {
  PageBuffer memory;
  std::vector<Record> records;
};

/// Counts the records that cannot be used. Thread-safe.
class DamageCount {
 public:
  DamageCount(const PackManifest& manifest, std::size_t selection, double budget);
  /// Counts each record at most once. Throws Error if the budget is exceeded.
  void add(std::uint32_t shard, std::uint32_t record, Fault fault);
  std::vector<Fault> faults() const;

 private:
  std::string location_;
  std::size_t selection_;
  double budget_;
  mutable std::mutex mutex_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> records_;
  std::vector<Fault> faults_;
};

/// Reads blocks. Thread-safe.
class BlockLoader {
 public:
  BlockLoader(const PackManifest& manifest, DamageCount& damage);
  /// Reads into `loaded`, reusing its memory. Records with missing bytes or a damaged length, or in an unreadable
  /// shard, are added to the damage count.
  void load(const BatchBlock& block, LoadedBlock& loaded);
  /// Whether the shard's file exists.
  bool has_file(std::uint32_t shard) const;
  /// Announces blocks (`numbers` are indices into `blocks`) that will be loaded soon, so that they can be prefetched
  /// from an object store.
  void prefetch(std::span<const std::uint32_t> numbers, const std::vector<BatchBlock>& blocks);

 private:
  std::shared_ptr<FileReader> file_of(std::uint32_t shard);
  std::span<const std::byte> read(const BatchBlock& block, LoadedBlock& loaded);
  void check(const BatchBlock& block, std::span<const std::byte> bytes, LoadedBlock& loaded);

  const PackManifest& manifest_;
  DamageCount& damage_;
  std::map<std::filesystem::path, FileInfo> listed_;  // files in the folders of the shards
  std::atomic<bool> prefetches_{true};                // until a file does not support it
  std::mutex mutex_;
  std::vector<std::shared_ptr<FileReader>> files_;  // by shard
  std::vector<std::uint32_t> open_;                 // shards with an open descriptor, oldest first
};

}  // namespace genrewise
