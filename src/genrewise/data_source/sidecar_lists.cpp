#include "genrewise/data_source/sidecar_lists.hpp"

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/features/feature_table.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::string_view kSealLine = " \"sha256\": \"";

std::size_t indentation_of(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

/// Calls `each(lines, offset)` for a part of a file, piece by piece; each piece but the last ends with a line's end.
template <class Each>
void for_each_block(const FileReader& file, ByteRange range, const Each& each) {
  file.prefetch({&range, 1});
  std::string buffer(kPieceBytes, '\0');
  std::size_t filled = 0;
  std::uint64_t offset = range.offset;  // of the buffer's content
  for (std::uint64_t left = range.bytes; left > 0 || filled > 0;) {
    throw_if_interrupted();
    if (filled == buffer.size()) buffer.resize(2 * buffer.size());  // a line that is longer
    const std::size_t want = std::min<std::uint64_t>(buffer.size() - filled, left);
    const std::size_t got =
        file.read_at(offset + filled, std::as_writable_bytes(std::span(buffer).subspan(filled, want)));
    if (got < want)
      throw Error("was truncated while it was read", file.info().location, "start the same command again");
    filled += got;
    left -= got;
    const std::string_view text = std::string_view(buffer).substr(0, filled);
    const std::size_t end = left == 0 ? filled : text.rfind('\n') + 1;  // 0: no line's end
    if (end > 0) each(text.substr(0, end), offset);
    buffer.erase(0, end).resize(std::max(buffer.size() + end, kPieceBytes));
    offset += end;
    filled -= end;
  }
}

/// Calls `each(line, position)` for every line of a text, without its end.
template <class Each>
void for_each_line(std::string_view text, const Each& each) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    each(text.substr(at, end - at), at);
    at = end + 1;
  }
}

}  // namespace

std::string list_begun_by(std::string_view line, std::string& within) {
  const std::size_t indentation = indentation_of(line);
  if (indentation > 2 || !line.substr(indentation).starts_with('"')) return {};
  const std::size_t colon = line.find("\": ");
  if (colon == std::string_view::npos) return {};
  const std::string name(line.substr(indentation + 1, colon - indentation - 1));
  const std::string_view value = line.substr(colon + 3);
  if (indentation == 1) within = value == "{" ? name + "/" : "";
  if (!value.starts_with('[')) return {};
  return indentation == 1 ? name : within + name;
}

SidecarLists::SidecarLists(const std::filesystem::path& table) : path_(sidecar_path(table)) {
  const auto file = open_file(path_);
  Hasher hasher(HashKind::sha256);
  std::string small, within;
  List* open = nullptr;
  std::size_t list_indentation = 0;
  for_each_block(*file, {0, file->size()}, [&](std::string_view block, std::uint64_t block_offset) {
    std::size_t hashed = 0;
    for_each_line(block, [&](std::string_view line, std::size_t at) {
      const std::uint64_t offset = block_offset + at;
      const std::size_t indentation = indentation_of(line);
      if (open != nullptr && indentation > list_indentation) {
        const std::string_view text = line.substr(indentation);
        if (indentation == list_indentation + 1 && !text.starts_with(']') && !text.starts_with('}')) ++open->entries;
        return;
      }
      small.append(line).push_back('\n');
      if (open != nullptr) {
        open->bytes = offset - open->offset;
        open = nullptr;
        return;
      }
      if (line.starts_with(kSealLine) && line.size() >= kSealLine.size() + open_seal().size()) {
        hasher.update(block.substr(hashed, at + kSealLine.size() - hashed));
        hasher.update(open_seal());
        hashed = at + kSealLine.size() + open_seal().size();
      }
      const std::string name = list_begun_by(line, within);
      if (name.empty() || name == "part/skipped_keys" || !line.ends_with('[')) return;
      open = &lists_[name];
      open->offset = offset + line.size() + 1;
      list_indentation = indentation;
    });
    hasher.update(block.substr(hashed));
  });
  object_ = parse_json(small, path_.string(), kSidecarRemedy);
  const bool sealed = object_.is_object() && object_.contains("sha256");
  if (!sealed || object_["sha256"] != hasher.hex())
    throw Error("was changed or damaged (its checksum does not fit)", path_.string(), kSidecarRemedy);
}

SidecarLists::List SidecarLists::list(const std::string& name) const {
  const auto found = lists_.find(name);
  return found == lists_.end() ? List() : found->second;
}

void SidecarLists::for_each_block_of(const List& list, const TextSink& each) const {
  if (list.entries == 0) return;
  for_each_block(*open_file(path_), {list.offset, list.bytes},
                 [&](std::string_view text, std::uint64_t) { each(text); });
}

}  // namespace genrewise
