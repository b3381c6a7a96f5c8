// Reader of TensorFlow's checkpoints ("tensor bundles"). Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

/// The float tensors of a checkpoint of one shard, from the bytes of `PREFIX.index` and of
/// `PREFIX.data-00000-of-00001`; tensors of other types and scalars are dropped. Throws Error for any damage: a changed
/// byte of the index or of a float tensor never goes unnoticed. Limits: 1 MiB of index, 10,000 tensors, and all tensors
/// together no more bytes than the data file.
///
/// The index is a sorted table (sorted_table.hpp) of protocol buffers (tensorflow/core/protobuf/tensor_bundle.proto):
///
///     key ""        BundleHeaderProto  1: int32 number of shards (1)
///                                      2: enum endianness (0: little)
///                                      3: VersionDef {1: producer, 2: min_consumer (0 or 1)}
///     key NAME      BundleEntryProto   1: enum DataType (1: float32)
///                                      2: TensorShapeProto {2: Dim {1: int64 size}... in order; 3: bool unknown_rank}
///                                      3: int32 shard (0)
///                                      4: int64 offset in the data file, bytes
///                                      5: int64 size in bytes
///                                      6: fixed32 masked CRC-32C of these bytes
///                                      7: slices of a partitioned variable (an error here)
///
/// Fields of value 0 are absent. The data file holds the tensors' bytes at their offsets, row-major and little-endian.
TensorArchive parse_tensor_bundle(std::string_view index, std::string_view data, const std::string& name);

}  // namespace genrewise
