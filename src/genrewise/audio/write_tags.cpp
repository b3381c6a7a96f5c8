#include <algorithm>

#include "genrewise/audio/decode.hpp"
#include "genrewise/audio/ogg_pages.hpp"
#include "genrewise/audio/tag_blocks.hpp"
#include "genrewise/audio/tag_edits.hpp"
#include "genrewise/audio/tag_text.hpp"
#include "genrewise/audio/tags.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise {
namespace {

using audio::ByteSource;
using audio::ByteView;
using audio::FieldValues;
using audio::FileTags;
using audio::TagKind;

void copy_bytes(const ByteView& from, FileWriter& writer) {
  constexpr std::int64_t kBlock = 1 << 18;
  for (std::int64_t at = 0; at < from.size(); at += kBlock) {
    throw_if_interrupted();
    writer.write(audio::read_bytes(from, at, kBlock));
  }
}

/// Ogg pages with new numbers, up to the first that is none.
void copy_pages(const ByteView& from, const audio::EditPlan& plan, FileWriter& writer) {
  std::int64_t at = 0;
  for (auto page = audio::ogg_page_at(from, at); page && page->end <= from.size();
       at = page->end, page = audio::ogg_page_at(from, at)) {
    throw_if_interrupted();
    std::string bytes = audio::read_bytes(from, at, page->end - at);
    if (page->serial == plan.serial)
      audio::renumber_ogg_page(bytes, page->number + static_cast<std::uint64_t>(plan.pages_added));
    writer.write(bytes);
  }
  copy_bytes(from.part(at, from.size() - at), writer);
}

void write_copy(ByteSource& source, const audio::EditPlan& plan, const std::filesystem::path& copy) {
  const auto writer = create_file(copy, {.condition = WriteCondition::absent()});
  std::int64_t at = 0;
  for (const audio::Edit& edit : plan.edits) {
    copy_bytes(ByteView(source, at, edit.begin - at), *writer);
    writer->write(edit.bytes);
    at = edit.end;
  }
  const ByteView rest(source, at, source.size() - at);
  plan.pages_added == 0 ? copy_bytes(rest, *writer) : copy_pages(rest, plan, *writer);
  writer->commit();
}

/// All items but those of the field, in order: format, key and content.
std::vector<std::string> other_items(const FileTags& tags, std::string_view field) {
  std::vector<std::string> items;
  for (const audio::TagBlock& block : tags.blocks)
    for (const audio::TagItem& item : block.items)
      if (!is_field(block, item, field))
        items.push_back(std::to_string(static_cast<int>(block.kind)) + item.key +
                        sha256_hex(audio::read_bytes(item.raw, 0, item.raw.size())));
  return items;
}

/// Whether each block of the copy holds the values, as far as its format can, and at least one does.
bool holds(const FileTags& copy, const FieldValues& to) {
  bool is_stored = to.values.empty();
  for (const audio::TagBlock& block : copy.blocks) {
    if (block.kind == TagKind::id3v1 || native_keys(block.kind, block.version, to.field).empty()) continue;
    if (tag_values(block, to.field) != stored_values(block, to)) return false;
    is_stored = true;
  }
  return is_stored;
}

bool is_same(const AudioInfo& a, const AudioInfo& b) {
  return a.format == b.format && a.codec == b.codec && a.sample_rate_hz == b.sample_rate_hz &&
         a.channels == b.channels && a.duration_s == b.duration_s;
}

Expected<void> verify(const FileTags& before, const std::filesystem::path& original, const std::filesystem::path& copy,
                      const FieldValues& to) {
  const auto fault = [&](const char* reason, std::string detail) {
    return tl::unexpected(Fault{reason, original.string(), std::move(detail)});
  };
  auto source = ByteSource::open(copy);
  if (!source) return tl::unexpected(std::move(source.error()));
  const FileTags after = find_tags(*source);
  if (!holds(after, to)) return fault("value cannot be stored", "the format of its tags returns another value");
  if (other_items(before, to.field) != other_items(after, to.field)) return fault("other tags would change", "");
  if (auto read = source->check_read(); !read) return tl::unexpected(std::move(read.error()));
  const auto old_hash = audio_hash(original), new_hash = audio_hash(copy);
  if (!old_hash) return tl::unexpected(old_hash.error());
  const auto old_info = probe_file(original), new_info = probe_file(copy);
  if (!old_info) return tl::unexpected(old_info.error());
  if (!new_hash || *new_hash != *old_hash || !new_info || !is_same(*old_info, *new_info))
    return fault("audio would change", "");
  return {};
}

}  // namespace

std::vector<std::string_view> writable_tag_fields() {
  return {"genre", "artist", "albumartist", "album", "title", "grouping", "mood", "comment"};
}

Expected<std::vector<std::string>> read_tag_field(const std::filesystem::path& path, std::string_view field) {
  auto source = ByteSource::open(path);
  if (!source) return tl::unexpected(std::move(source.error()));
  auto values = tag_values(find_tags(*source), field);
  if (auto read = source->check_read(); !read) return tl::unexpected(std::move(read.error()));
  return values;
}

Expected<void> write_tag_copy(const std::filesystem::path& original, const std::filesystem::path& copy,
                              std::string_view field, const std::vector<std::string>& values) {
  const auto named = [&](Fault fault) {
    fault.where = original.string();
    return tl::unexpected(std::move(fault));
  };
  if (std::ranges::count(writable_tag_fields(), field) == 0)
    throw Error("no tag field that can be written: " + std::string(field), original.string(), "use \"genre\"");
  FieldValues to{field, {}};
  for (const std::string& value : values) {
    if (value.empty() || audio::clean_text(value) != value)
      return named({"value cannot be stored", "", "\"" + value + "\" is not clean text"});
    if (std::ranges::count(to.values, value) == 0) to.values.push_back(value);
  }
  auto source = ByteSource::open(original);
  if (!source) return tl::unexpected(std::move(source.error()));
  const FileTags before = find_tags(*source);
  auto plan = plan_edits(*source, before, to);
  if (auto read = source->check_read(); !read) return tl::unexpected(std::move(read.error()));
  if (!plan) return named(std::move(plan.error()));
  write_copy(*source, *plan, copy);
  auto verified = source->check_read();
  try {
    if (verified) verified = verify(before, original, copy, to);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(copy, ignored);
    throw;
  }
  if (!verified) remove_file(copy);
  return verified;
}

}  // namespace genrewise
