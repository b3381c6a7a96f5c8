#include "genrewise/data_source/sidecar_lists.hpp"

#include <algorithm>
#include <optional>

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

/// Calls `each(line, offset)` for every line of a part of a file, without its end.
template <class Each>
void for_each_line(const FileReader& file, ByteRange range, const Each& each) {
  file.prefetch({&range, 1});
  std::string buffer(kPieceBytes, '\0'), begun;
  std::uint64_t offset = range.offset;  // of the next line
  for (std::uint64_t at = range.offset, end_at = range.offset + range.bytes; at < end_at;) {
    throw_if_interrupted();
    const std::size_t want = std::min<std::uint64_t>(buffer.size(), end_at - at);
    const std::size_t got = file.read_at(at, std::as_writable_bytes(std::span(buffer).first(want)));
    if (got == 0) throw Error("was truncated while it was read", file.info().location, "start the same command again");
    at += got;
    std::string_view text = std::string_view(buffer).substr(0, got);
    for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
      std::string_view line = text.substr(0, end);
      if (!begun.empty()) line = begun += line;
      each(line, offset);
      offset += line.size() + 1;
      begun.clear();
    }
    begun += text;
  }
  if (!begun.empty()) each(std::string_view(begun), offset);
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
  for_each_line(*file, {0, file->size()}, [&](std::string_view line, std::uint64_t offset) {
    if (line.starts_with(kSealLine)) {
      const std::size_t at = kSealLine.size(), digits = open_seal().size();
      hasher.update(std::string(line.substr(0, at)) + open_seal() +
                    std::string(line.substr(std::min(at + digits, line.size()))));
    } else {
      hasher.update(line);
    }
    hasher.update("\n");
    const std::size_t indentation = indentation_of(line);
    if (open != nullptr) {
      if (indentation > list_indentation) {
        const std::string_view text = line.substr(indentation);
        if (indentation == list_indentation + 1 && !text.starts_with(']') && !text.starts_with('}')) ++open->entries;
        return;
      }
      open->bytes = offset - open->offset;
      open = nullptr;
      small.append(line).push_back('\n');
      return;
    }
    small.append(line).push_back('\n');
    const std::string name = list_begun_by(line, within);
    if (name.empty() || !line.ends_with('[')) return;
    open = &lists_[name];
    open->offset = offset + line.size() + 1;
    list_indentation = indentation;
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

void SidecarLists::for_each_line_of(const List& list, const TextSink& each) const {
  if (list.entries == 0) return;
  for_each_line(*open_file(path_), {list.offset, list.bytes},
                [&](std::string_view line, std::uint64_t) { each(line); });
}

}  // namespace genrewise
