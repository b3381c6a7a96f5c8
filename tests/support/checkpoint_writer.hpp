// Writers of TensorFlow checkpoints and of zip archives, for tests.
#pragma once

#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "genrewise/records/compression.hpp"
#include "genrewise/records/crc32c.hpp"
#include "genrewise/records/protobuf_wire.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise::testing {

inline std::uint32_t masked_sum(std::string_view bytes) {
  return masked_crc32c(std::as_bytes(std::span(bytes)));
}

/// A sorted table as TensorFlow writes it, with blocks of about `block_bytes`.
class TableWriter {
 public:
  explicit TableWriter(std::size_t block_bytes = 4096) : block_bytes_(block_bytes) {}
  void add(const std::string& key, std::string_view value) {
    data_.add(key, value);
    last_ = key;
    if (data_.bytes.size() >= block_bytes_) end_block();
  }
  std::string finish() {
    end_block();
    const std::string metaindex = put(Block()), index = put(index_);
    std::string footer = metaindex + index;
    footer.resize(40);
    wire::put_raw(footer, std::uint64_t{0xdb4775248b80fb57});
    return file_ + footer;
  }

 private:
  struct Block {
    std::string bytes, last;
    std::vector<std::uint32_t> restarts;
    std::size_t entries = 0;
    void add(const std::string& key, std::string_view value) {
      std::size_t shared = 0;
      if (entries++ % 16 == 0) {
        restarts.push_back(static_cast<std::uint32_t>(bytes.size()));
      } else {
        while (shared < std::min(key.size(), last.size()) && key[shared] == last[shared]) ++shared;
      }
      wire::put_varint(bytes, shared);
      wire::put_varint(bytes, key.size() - shared);
      wire::put_varint(bytes, value.size());
      bytes.append(key, shared).append(value);
      last = key;
    }
  };
  void end_block() {
    if (data_.entries > 0) index_.add(last_, put(data_));
    data_ = {};
  }
  /// Appends the block to the file; returns its handle.
  std::string put(Block block) {
    if (block.restarts.empty()) block.restarts.push_back(0);
    for (const std::uint32_t at : block.restarts) wire::put_raw(block.bytes, at);
    wire::put_raw(block.bytes, static_cast<std::uint32_t>(block.restarts.size()));
    std::string handle;
    wire::put_varint(handle, file_.size());
    wire::put_varint(handle, block.bytes.size());
    file_ += block.bytes + '\0';
    wire::put_raw(file_, masked_sum(block.bytes + '\0'));
    return handle;
  }

  std::size_t block_bytes_;
  std::string file_, last_;
  Block data_, index_;
};

/// A checkpoint of one shard.
struct Checkpoint {
  std::string index, data;
};

/// The description of one tensor in the index (BundleEntryProto).
inline std::string bundle_entry(const std::vector<std::size_t>& shape, std::uint64_t offset, std::string_view bytes,
                                std::uint64_t type = 1) {
  std::string dimensions, entry;
  for (const std::size_t size : shape) {
    std::string dimension;
    wire::put_uint(dimension, 1, size);
    wire::put_bytes(dimensions, 2, dimension);
  }
  wire::put_uint(entry, 1, type);
  wire::put_bytes(entry, 2, dimensions);
  if (offset > 0) wire::put_uint(entry, 4, offset);
  wire::put_uint(entry, 5, bytes.size());
  wire::put_tag(entry, 6, wire::fixed32);
  wire::put_raw(entry, masked_sum(bytes));
  return entry;
}

inline std::string bundle_header(std::uint64_t shards = 1) {
  std::string version, header;
  wire::put_uint(version, 1, 1);
  wire::put_uint(header, 1, shards);
  wire::put_bytes(header, 3, version);
  return header;
}

/// The tensors of the archive under their names, as tf.train.Saver writes them.
inline Checkpoint write_checkpoint(const TensorArchive& tensors, std::size_t block_bytes = 4096) {
  Checkpoint checkpoint;
  TableWriter table(block_bytes);
  table.add("", bundle_header());
  for (const auto& [name, tensor] : tensors.tensors()) {
    table.add(name, bundle_entry(tensor.shape, checkpoint.data.size(), tensor.bytes));
    checkpoint.data += tensor.bytes;
  }
  checkpoint.index = table.finish();
  return checkpoint;
}

inline std::uint32_t zip_checksum(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/// A zip archive of stored or deflated members.
inline std::string write_zip(const std::map<std::string, std::string>& members, bool deflated = false) {
  std::string file, list;
  for (const auto& [name, content] : members) {
    std::string packed = content;
    if (deflated) {  // a zlib stream without its header and its checksum
      packed.clear();
      Deflater deflater(Compression::zlib);
      deflater.write(content, packed);
      deflater.finish(packed);
      packed = packed.substr(2, packed.size() - 6);
    }
    std::string facts;  // the part that both headers share: version, flags, method, time, checksum, sizes, name
    for (const int number : {20, 0, deflated ? 8 : 0, 0, 33}) wire::put_raw(facts, static_cast<std::uint16_t>(number));
    for (const std::size_t number : {std::size_t{zip_checksum(content)}, packed.size(), content.size()})
      wire::put_raw(facts, static_cast<std::uint32_t>(number));
    wire::put_raw(facts, static_cast<std::uint16_t>(name.size()));
    wire::put_raw(facts, std::uint16_t{0});
    wire::put_raw(list, std::uint32_t{0x02014b50});
    wire::put_raw(list, std::uint16_t{20});
    list += facts + std::string(10, '\0');
    wire::put_raw(list, static_cast<std::uint32_t>(file.size()));
    list += name;
    wire::put_raw(file, std::uint32_t{0x04034b50});
    file += facts + name + packed;
  }
  std::string end;
  wire::put_raw(end, std::uint32_t{0x06054b50});
  wire::put_raw(end, std::uint32_t{0});
  for (int i = 0; i < 2; ++i) wire::put_raw(end, static_cast<std::uint16_t>(members.size()));
  wire::put_raw(end, static_cast<std::uint32_t>(list.size()));
  wire::put_raw(end, static_cast<std::uint32_t>(file.size()));
  wire::put_raw(end, std::uint16_t{0});
  return file + list + end;
}

}  // namespace genrewise::testing
