#include "genrewise/pretrained/weights/tensor_bundle.hpp"

#include <fmt/format.h>

#include <cstring>
#include <span>
#include <vector>

#include "genrewise/pretrained/weights/checked_bytes.hpp"
#include "genrewise/pretrained/weights/sorted_table.hpp"
#include "genrewise/records/crc32c.hpp"
#include "genrewise/records/protobuf_wire.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kLargestIndex = 1 << 20, kMostTensors = 10'000, kMostDimensions = 8;
constexpr std::uint64_t kFloat = 1, kKnownVersion = 1;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// Calls `field` for every field of a protocol buffer.
template <class Function>
void for_each_field(std::span<const std::byte> message, const CheckedBytes& file, const Function& field) {
  wire::Reader reader(message);
  for (wire::Field one; !reader.at_end(); field(one))
    if (!reader.next(one)) file.damaged("a description of a tensor is damaged");
}

void check_header(std::string_view value, const CheckedBytes& file) {
  std::uint64_t shards = 0, endianness = 0, needed_version = 0;
  for_each_field(bytes_of(value), file, [&](const wire::Field& field) {
    if (field.number == 1 && field.type == wire::varint) shards = field.value;
    if (field.number == 2 && field.type == wire::varint) endianness = field.value;
    if (field.number != 3 || field.type != wire::bytes) return;
    for_each_field(field.body, file, [&](const wire::Field& version) {
      if (version.number == 2 && version.type == wire::varint) needed_version = version.value;
    });
  });
  if (shards != 1) file.damaged(fmt::format("it has {} parts, and one is read", shards));
  if (endianness != 0) file.damaged("its numbers are big-endian");
  if (needed_version > kKnownVersion) file.damaged(fmt::format("it needs a reader of version {}", needed_version));
}

struct Entry {
  std::uint64_t type = 0, shard = 0, offset = 0, size = 0, checksum = 0;
  std::vector<std::size_t> shape;
  bool sliced = false, known_rank = true;
};

std::vector<std::size_t> shape_of(std::span<const std::byte> message, Entry& entry, const CheckedBytes& file) {
  std::vector<std::size_t> shape;
  for_each_field(message, file, [&](const wire::Field& field) {
    if (field.number == 3 && field.value != 0) entry.known_rank = false;
    if (field.number != 2 || field.type != wire::bytes) return;
    std::uint64_t size = 0;
    for_each_field(field.body, file, [&](const wire::Field& part) {
      if (part.number == 1 && part.type == wire::varint) size = part.value;
    });
    if (shape.size() == kMostDimensions) file.damaged("a tensor has too many dimensions");
    shape.push_back(static_cast<std::size_t>(size));
  });
  return shape;
}

Entry parse_entry(std::string_view value, const CheckedBytes& file) {
  Entry entry;
  for_each_field(bytes_of(value), file, [&](const wire::Field& field) {
    if (field.number == 2 && field.type == wire::bytes) entry.shape = shape_of(field.body, entry, file);
    if (field.number == 7) entry.sliced = true;
    if (field.number == 6 && field.type == wire::fixed32) entry.checksum = field.value;
    if (field.type != wire::varint) return;
    if (field.number == 1) entry.type = field.value;
    if (field.number == 3) entry.shard = field.value;
    if (field.number == 4) entry.offset = field.value;
    if (field.number == 5) entry.size = field.value;
  });
  return entry;
}

/// The bytes of a float tensor, after its size and its checksum were verified.
std::string_view values_of(const Entry& entry, const CheckedBytes& data, const std::string& tensor) {
  const auto fail = [&](const char* problem) { data.damaged(fmt::format("tensor {} {}", tensor, problem)); };
  if (entry.sliced) fail("is stored in slices");
  if (entry.shard != 0) fail("is in a part that does not exist");
  if (!entry.known_rank) fail("has no shape");
  std::uint64_t size = sizeof(float);
  for (const std::size_t dimension : entry.shape)
    if (__builtin_mul_overflow(size, dimension, &size)) fail("is too large");
  if (size != entry.size) fail("has another size than its shape");
  const std::string_view bytes = data.slice(entry.offset, entry.size);
  if (masked_crc32c(bytes_of(bytes)) != entry.checksum) fail("has a wrong checksum");
  return bytes;
}

}  // namespace

TensorArchive parse_tensor_bundle(std::string_view index, std::string_view data, const std::string& name) {
  const CheckedBytes file(index, name, "TensorFlow checkpoint"), values(data, name, "TensorFlow checkpoint");
  if (index.size() > kLargestIndex) file.damaged(fmt::format("its index is over {} bytes", kLargestIndex));
  TensorArchive archive(name);
  bool has_header = false;
  std::uint64_t total = 0;
  read_sorted_table(index, name, [&](std::string_view key, std::string_view value) {
    if (key.empty()) {
      check_header(value, file);
      has_header = true;
      return;
    }
    if (!has_header) file.damaged("it has no header");
    const Entry entry = parse_entry(value, file);
    if (entry.type != kFloat) return;
    const std::string tensor(key);
    const std::string_view bytes = values_of(entry, values, tensor);
    total += bytes.size();
    if (total > data.size()) file.damaged("its tensors overlap");
    if (archive.tensors().size() == kMostTensors) file.damaged("it has too many tensors");
    std::vector<float> numbers(bytes.size() / sizeof(float));
    if (entry.shape.empty() || numbers.empty()) return;  // no network uses any
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    archive.put(tensor, std::span<const float>(numbers), entry.shape);
  });
  if (!has_header) file.damaged("it has no header");
  return archive;
}

}  // namespace genrewise
