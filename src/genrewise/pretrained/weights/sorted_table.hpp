// Reader of LevelDB's sorted tables, as TensorFlow uses them. Private to this module.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace genrewise {

/// Calls `entry` for every key and value of a table, in the order of the keys. Throws Error for any damage; every byte
/// of a block is covered by its checksum. No block is read twice, and a key has at most 4 KiB.
///
/// The format (LevelDB, doc/table_format.md), integers little-endian, varints base 128 with the low bits first:
///
///     file    block...  the data blocks in the order of their keys, a "metaindex" block (empty here), the index block
///             footer    the last 48 bytes: handle of the metaindex block, handle of the index block, zeros up to
///                       byte 40, then the 8 bytes 57 fb 80 8b 24 75 47 db (the number 0xdb4775248b80fb57)
///     handle  varint offset, varint size, both in bytes; size is without the trailer
///     block   content of `size` bytes, then the trailer of 5 bytes:
///             byte    0: uncompressed; 1: Snappy (TensorFlow's checkpoints do not use it; an error here)
///             uint32  masked CRC-32C of the content and the byte before: crc rotated right by 15 bits, plus 0xa282ead8
///     content entry...  sorted by key, bytewise ascending
///             uint32... restart points: offsets of entries that store their whole key (every 16th); the first is 0
///             uint32    their number, at least one, also in an empty block
///     entry   varint    shared: this many bytes of the previous entry's key begin this key (0 at a restart point)
///             varint    unshared: bytes of the key that follow
///             varint    bytes of the value
///             the unshared bytes of the key, the value
///     index   a block with one entry per data block: a key >= all keys of the block and < all later ones, and the
///             block's handle
void read_sorted_table(std::string_view bytes, const std::string& name,
                       const std::function<void(std::string_view key, std::string_view value)>& entry);

}  // namespace genrewise
