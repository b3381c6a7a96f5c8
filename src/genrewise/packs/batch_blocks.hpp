// Blocks of records, read from their shards and checked.
#pragma once

#include <atomic>
#include <cstdint>
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

/// The bytes of a block, and where in them the selected records lie (an empty payload: damaged). Their lengths are
/// checked, their payloads' sums are not.
struct LoadedBlock {
  PageBuffer memory;
  std::vector<Record> records;
};

/// Keeps count of the records that cannot be used. Safe from any thread.
class DamageCount {
 public:
  DamageCount(const PackManifest& manifest, std::size_t selection, double budget);
  /// Counted once per record, however often it is met. Throws Error when the budget is spent.
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

/// Reads blocks. Safe from any thread.
class BlockLoader {
 public:
  BlockLoader(const PackManifest& manifest, DamageCount& damage);
  /// Reads into `loaded`, whose memory is used again. Records whose bytes are missing, or whose length is damaged, or
  /// that lie in a shard that cannot be read, are added to the damage count.
  void load(const BatchBlock& block, LoadedBlock& loaded);
  /// Whether the shard's file is there.
  bool has_file(std::uint32_t shard) const;
  /// Announces blocks (numbers in `blocks`) that will be loaded soon; from an object store they are fetched meanwhile.
  void prefetch(std::span<const std::uint32_t> numbers, const std::vector<BatchBlock>& blocks);

 private:
  std::shared_ptr<FileReader> file_of(std::uint32_t shard);
  std::span<const std::byte> read(const BatchBlock& block, LoadedBlock& loaded);
  void check(const BatchBlock& block, std::span<const std::byte> bytes, LoadedBlock& loaded);

  const PackManifest& manifest_;
  DamageCount& damage_;
  std::map<std::string, FileInfo> listed_;  // the files of the pack's folder, by name
  std::atomic<bool> prefetches_{true};      // until a file says that it does not
  std::mutex mutex_;
  std::vector<std::shared_ptr<FileReader>> files_;  // by shard
  std::vector<std::uint32_t> open_;                 // shards whose file holds a descriptor, oldest first
};

}  // namespace genrewise
