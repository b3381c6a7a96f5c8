#include "genrewise/packs/batch_blocks.hpp"

#include <algorithm>

#include "genrewise/records/framing.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kOpenFiles = 128;  // well below the usual limit of 1,024 per process

// Decompresses from a restart point on. The stream's end and checksum come after the block and are not read: every
// record has its own checksums.
std::size_t inflate_block(std::span<const std::byte> stored, bool from_start, std::span<std::byte> into) {
  auto inflater = from_start ? Inflater::whole() : Inflater::raw();
  const std::size_t capacity = into.size();
  inflater.read(stored, into);
  return capacity - into.size();
}

}  // namespace

DamageCount::DamageCount(const PackManifest& manifest, std::size_t selection, double budget)
    : location_(manifest.folder.string()), selection_(selection), budget_(budget) {}

void DamageCount::add(std::uint32_t shard, std::uint32_t record, Fault fault) {
  const std::lock_guard lock(mutex_);
  if (!records_.emplace(shard, record).second) return;
  faults_.push_back(std::move(fault));
  if (static_cast<double>(records_.size()) <= budget_ * static_cast<double>(selection_)) return;
  throw Error("too many records cannot be used: " + std::to_string(records_.size()) + " of " +
                  std::to_string(selection_) + " so far; the first: " + to_string(faults_.front()),
              location_, "pack the dataset again");
}

std::vector<Fault> DamageCount::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

BlockLoader::BlockLoader(const PackManifest& manifest, DamageCount& damage)
    : manifest_(manifest), damage_(damage), files_(manifest.shards.size()) {
  std::set<std::filesystem::path> folders;
  for (const PackedShard& shard : manifest.shards) folders.insert((manifest.folder / shard.file).parent_path());
  for (const std::filesystem::path& folder : folders)
    for (const FileInfo& file : list_files(folder)) listed_.emplace(folder / last_name(file.location), file);
}

bool BlockLoader::has_file(std::uint32_t shard) const {
  return listed_.contains(manifest_.folder / manifest_.shards[shard].file);
}

void BlockLoader::prefetch(std::span<const std::uint32_t> numbers, const std::vector<BatchBlock>& blocks) {
  if (!prefetches_) return;
  std::map<std::uint32_t, std::vector<ByteRange>> by_shard;
  for (const std::uint32_t number : numbers) {
    const BatchBlock& block = blocks[number];
    if (has_file(block.shard)) by_shard[block.shard].push_back({block.stored_offset, block.stored_bytes});
  }
  for (const auto& [shard, ranges] : by_shard) {
    try {
      const auto file = file_of(shard);
      prefetches_ = file->prefetches();
      if (!prefetches_) return;
      file->prefetch(ranges);
    } catch (const Error&) {  // load() reports that it cannot be opened
    }
  }
}

// A prefetching reader holds no descriptor, and closing it would discard pending requests.
std::shared_ptr<FileReader> BlockLoader::file_of(std::uint32_t shard) {
  const std::lock_guard lock(mutex_);
  if (files_[shard]) return files_[shard];
  const auto path = manifest_.folder / manifest_.shards[shard].file;
  const auto found = listed_.find(path);
  if (found == listed_.end()) throw FileError("the file does not exist", path.string());
  files_[shard] = open_file(found->second);
  if (!files_[shard]->prefetches()) {
    if (open_.size() == kOpenFiles) {
      files_[open_.front()].reset();
      open_.erase(open_.begin());
    }
    open_.push_back(shard);
  }
  return files_[shard];
}

// Limits the memory to the bytes that exist if the file is shorter than in the manifest.
std::span<const std::byte> BlockLoader::read(const BatchBlock& block, LoadedBlock& loaded) {
  const auto file = file_of(block.shard);
  const std::uint64_t left = file->size() - std::min(file->size(), block.stored_offset);
  const auto stored_bytes = static_cast<std::size_t>(std::min(block.stored_bytes, left));
  const auto allocate = [&](std::size_t bytes, std::uint64_t offset) {
    const std::size_t start = PageBuffer::offset_in_page(offset);
    loaded.memory.reserve(start + bytes);
    return loaded.memory.all().subspan(start, bytes);
  };
  if (manifest_.shards[block.shard].restart_points.empty()) {
    const auto bytes = allocate(stored_bytes, block.offset);
    return bytes.first(file->read_at(block.offset, bytes));
  }
  std::vector<std::byte> stored(stored_bytes);
  const std::size_t got = file->read_at(block.stored_offset, stored);
  const auto bytes = allocate(block.bytes, 0);
  return bytes.first(inflate_block(std::span(stored).first(got), block.stored_offset == 0, bytes));
}

void BlockLoader::load(const BatchBlock& block, LoadedBlock& loaded) {
  loaded.records.assign(block.records.size(), {});
  std::span<const std::byte> bytes;
  try {
    bytes = read(block, loaded);
  } catch (const FileError& error) {  // an Interrupted, a store that fails or too many open files end the run
    for (const std::uint32_t record : block.records)
      damage_.add(block.shard, record, {"cannot be read", error.where(), error.problem()});
    return;
  }
  check(block, bytes, loaded);
}

void BlockLoader::check(const BatchBlock& block, std::span<const std::byte> bytes, LoadedBlock& loaded) {
  const PackedShard& shard = manifest_.shards[block.shard];
  for (std::size_t i = 0; i < block.records.size(); ++i) {
    const PackedRecord& record = shard.records[block.records[i]];
    const auto bad = [&](std::string reason, std::string detail) {
      const auto path = (manifest_.folder / shard.file).string();
      damage_.add(block.shard, block.records[i],
                  {std::move(reason), path + " @ " + std::to_string(record.offset), std::move(detail)});
    };
    const std::uint64_t start = record.offset - block.offset;
    if (start + record.payload_bytes + kRecordFrameBytes > bytes.size()) {
      bad("truncated", "the file ends before or inside the record");
      continue;
    }
    const auto frame = bytes.subspan(start, record.payload_bytes + kRecordFrameBytes);
    const auto length = payload_length(frame);
    if (!length) {
      bad("damaged length", "its checksum is wrong");
    } else if (*length != record.payload_bytes) {
      bad("does not match the manifest",
          std::to_string(*length) + " bytes, not " + std::to_string(record.payload_bytes));
    } else {
      loaded.records[i] = {record.offset, frame.subspan(kRecordHeaderBytes, record.payload_bytes),
                           frame.last(kRecordTrailerBytes)};
    }
  }
}

}  // namespace genrewise
