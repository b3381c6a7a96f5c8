#include "genrewise/pretrained/weights/sorted_table.hpp"

#include <algorithm>
#include <span>

#include "genrewise/pretrained/weights/checked_bytes.hpp"
#include "genrewise/records/crc32c.hpp"
#include "genrewise/records/protobuf_wire.hpp"

namespace genrewise {
namespace {

using Entry = std::function<void(std::string_view key, std::string_view value)>;

constexpr std::size_t kFooterSize = 48, kMagicAt = 40, kTrailerSize = 5, kLongestKey = 4096;
constexpr std::uint64_t kMagic = 0xdb4775248b80fb57;

struct Handle {
  std::uint64_t offset = 0, size = 0;
};

bool is_followed_by(const Handle& block, std::uint64_t offset) {
  return block.offset <= offset && offset - block.offset >= kTrailerSize &&
         offset - block.offset - kTrailerSize == block.size;
}

std::string_view text_of(const std::byte* begin, const std::byte* end) {
  return {reinterpret_cast<const char*>(begin), static_cast<std::size_t>(end - begin)};
}

/// Reads varints and bytes from the front of `bytes`; the protocol buffers' varints are the same as LevelDB's.
class Cursor {
 public:
  Cursor(std::string_view bytes, const CheckedBytes& file)
      : reader_(std::as_bytes(std::span(bytes))),
        begin_(reader_.position()),
        end_(begin_ + bytes.size()),
        file_(file) {}
  bool at_end() const { return at() == end_; }
  std::size_t offset() const { return static_cast<std::size_t>(at() - begin_); }
  std::uint64_t varint() {
    const std::byte* from = at();
    std::uint64_t value = 0;
    // LevelDB writes the shortest form.
    if (!reader_.next_varint(value) || static_cast<std::size_t>(at() - from) != wire::varint_bytes(value))
      file_.damaged("a number is damaged");
    return value;
  }
  std::string_view take(std::uint64_t count) {
    if (count > static_cast<std::uint64_t>(end_ - at())) file_.damaged("an entry reaches beyond its block");
    const std::byte* from = at();
    reader_ = wire::Reader({from + count, end_});
    return text_of(from, from + count);
  }
  std::string_view rest() const { return text_of(at(), end_); }
  Handle handle() {
    const std::uint64_t offset = varint();
    return {offset, varint()};
  }

 private:
  const std::byte* at() const { return reader_.position(); }
  wire::Reader reader_;
  const std::byte *begin_, *end_;
  const CheckedBytes& file_;
};

/// The content of a block, after its checksum was verified.
std::string_view block_at(const CheckedBytes& file, const Handle& handle) {
  const std::string_view content = file.slice(handle.offset, handle.size);
  const std::uint64_t trailer = handle.offset + handle.size;  // no overflow: slice() has checked it
  const auto compression = file.number<std::uint8_t>(trailer);
  const std::string_view summed = file.slice(handle.offset, handle.size + 1);
  if (masked_crc32c(std::as_bytes(std::span(summed))) != file.number<std::uint32_t>(trailer + 1))
    file.damaged("a block has a wrong checksum");
  if (compression != 0) file.damaged("a block is compressed, which checkpoints never are");
  return content;
}

/// Splits a block's content into its entries and its restart points; returns the entries.
std::string_view entries_of(std::string_view content, const CheckedBytes& file, std::string_view& restarts) {
  constexpr std::size_t kNumber = sizeof(std::uint32_t);
  const CheckedBytes block(content, file.name(), "table");
  if (content.size() < 2 * kNumber) file.damaged("a block is too short");
  const std::uint64_t count = block.number<std::uint32_t>(content.size() - kNumber);
  if (count == 0 || count > content.size() / kNumber - 1) file.damaged("a block has no valid restart points");
  const std::size_t size = content.size() - kNumber - static_cast<std::size_t>(count) * kNumber;
  restarts = content.substr(size, static_cast<std::size_t>(count) * kNumber);
  return content.substr(0, size);
}

/// Calls `entry` for the entries of a block. `key`: the last key before the block (if `any`), then the block's last.
void read_block(const CheckedBytes& file, const Handle& handle, std::string& key, bool& any, const Entry& entry) {
  std::string_view restarts;
  const std::string_view entries = entries_of(block_at(file, handle), file, restarts);
  const CheckedBytes points(restarts, file.name(), "table");
  std::size_t next_point = 0;
  Cursor at(entries, file);
  std::string block_key;
  while (!at.at_end()) {
    const std::size_t start = at.offset();
    const std::uint64_t shared = at.varint(), unshared = at.varint(), size = at.varint();
    if (next_point < restarts.size() && points.number<std::uint32_t>(next_point) == start) {
      next_point += sizeof(std::uint32_t);
      if (shared != 0) file.damaged("a restart point has no whole key");
    }
    if (shared > block_key.size() || unshared > kLongestKey - std::min<std::uint64_t>(shared, kLongestKey))
      file.damaged("a key has an invalid length");
    block_key.resize(static_cast<std::size_t>(shared));
    block_key += at.take(unshared);
    if (any && block_key <= key) file.damaged("its keys are not sorted");
    key = block_key;
    any = true;
    entry(key, at.take(size));
  }
  // An empty block has one restart point, 0.
  if (entries.empty() ? restarts.size() != sizeof(std::uint32_t) || points.number<std::uint32_t>(0) != 0
                      : next_point != restarts.size())
    file.damaged("a block has no valid restart points");
}

}  // namespace

void read_sorted_table(std::string_view bytes, const std::string& name, const Entry& entry) {
  const CheckedBytes file(bytes, name, "table");
  if (file.size() < kFooterSize) file.damaged("it is truncated");
  const std::size_t footer_at = file.size() - kFooterSize;
  if (file.number<std::uint64_t>(footer_at + kMagicAt) != kMagic)
    file.damaged("it does not end as a table does (truncated?)");
  const CheckedBytes blocks(bytes.substr(0, footer_at), name, "table");
  Cursor footer(file.slice(footer_at, kMagicAt), file);
  const Handle metaindex = footer.handle(), index = footer.handle();
  if (std::ranges::any_of(footer.rest(), [](char c) { return c != 0; }) || !is_followed_by(metaindex, index.offset) ||
      !is_followed_by(index, footer_at))
    file.damaged("its footer is damaged");
  std::string index_key, meta_key, key;
  bool any_index = false, any_meta = false, any = false;
  read_block(blocks, metaindex, meta_key, any_meta, [](std::string_view, std::string_view) {});
  std::uint64_t end = 0;  // of the data block before: no byte belongs to two
  read_block(blocks, index, index_key, any_index, [&](std::string_view last, std::string_view value) {
    Cursor at(value, blocks);
    const Handle handle = at.handle();
    if (!at.at_end() || handle.offset < end || handle.offset >= metaindex.offset)
      blocks.damaged("its index is damaged");
    if (any && key >= last) blocks.damaged("its keys are not sorted");
    read_block(blocks, handle, key, any, entry);
    if (any && key > last) blocks.damaged("its index is damaged");
    end = handle.offset + handle.size + kTrailerSize;
  });
}

}  // namespace genrewise
