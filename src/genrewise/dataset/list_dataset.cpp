// Lists of locations, patterns, and prefixes of object stores: datasets of millions of files, without a table.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <iterator>
#include <optional>
#include <ranges>
#include <set>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/listing.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kListingHeader = "bytes,modified,location";  // of `genrewise list --csv`

bool is_in_store(const fs::path& location) {
  return local_work_path(location) != location;
}

std::size_t first_wildcard(const fs::path& location) {
  return location.native().find_first_of("*?[");
}

/// A location with wildcards, unless there is a file or folder of that name.
bool is_pattern(const fs::path& location) {
  return first_wildcard(location) != std::string::npos && !file_exists(location) && !folder_exists(location);
}

bool is_listing(const fs::path& location) {
  const std::string line = first_line(location);
  return trimmed(without_byte_order_mark(line)) == kListingHeader;
}

struct Entry {
  std::string_view name;    // relative to a prefix, or as it is written in a list
  std::uint64_t bytes = 0;  // 0: unknown
};

constexpr std::size_t kMostBytes = 1 << 20;  // of a line

void require_short(const std::string& text, const fs::path& location) {
  if (text.size() > kMostBytes)
    throw Error("has a line of more than 1 MiB", location.string(), "give a text file with one location a line");
}

/// Names of many files: 24 bytes for each, besides its letters.
class Entries {
 public:
  void add(std::string_view name, std::uint64_t bytes) {
    if (chunks_.empty() || chunks_.back().capacity() - chunks_.back().size() < name.size())
      chunks_.emplace_back().reserve(std::max(kChunkBytes, name.size()));
    std::string& chunk = chunks_.back();
    const std::size_t at = chunk.size();
    chunk += name;
    all_.push_back({std::string_view(chunk).substr(at), bytes});
  }
  std::vector<Entry>& all() { return all_; }

 private:
  static constexpr std::size_t kChunkBytes = 1 << 20;
  std::deque<std::string> chunks_;
  std::vector<Entry> all_;
};

/// Calls `each` for every line of a file, without its end.
template <class Each>
void for_each_line(const fs::path& location, const Each& each) {
  const auto file = open_file(location);
  SequentialReader reader(*file);
  std::string buffer(kMostBytes, '\0'), rest;
  while (const std::size_t got = reader.read(std::as_writable_bytes(std::span(buffer)))) {
    throw_if_interrupted();
    std::string_view text = std::string_view(buffer).substr(0, got);
    for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
      if (rest.empty()) {
        each(text.substr(0, end));
      } else {
        each(rest += text.substr(0, end));
        rest.clear();
      }
    }
    rest += text;
    require_short(rest, location);
  }
  if (!rest.empty()) each(rest);
}

/// What is behind the second comma.
std::string_view location_in(std::string_view row) {
  const std::size_t second = row.find(',', row.find(',') + 1);
  return second == std::string_view::npos ? std::string_view() : row.substr(second + 1);
}

/// Whether a quoted field goes on in the next line; `text`: from behind its opening quote, or the start of a later
/// line.
bool goes_on(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('"', at)) != std::string_view::npos; at += 2)
    if (text.substr(at + 1, 1) != "\"") return false;
  return true;
}

void read_row(std::string_view row, const fs::path& location, Entries& entries, std::size_t& ignored) {
  std::string_view name = location_in(row);
  std::uint64_t bytes = 0;
  const auto [end, code] = std::from_chars(row.data(), row.data() + row.size(), bytes);
  if (name.data() == nullptr || code != std::errc() || *end != ',')
    throw Error(fmt::format("the row \"{}\" is not one of {}", short_text(row, 100), kListingHeader), location.string(),
                "write it with `genrewise list PATTERN --csv`");
  std::optional<CsvReader> quoted;
  if (name.starts_with('"')) {
    std::vector<std::string_view> fields;
    quoted.emplace(name, location.string()).next(fields);
    name = fields.at(0);
  }
  looks_like_audio(name) ? entries.add(name, bytes) : void(++ignored);
}

void read_listing(const fs::path& location, Entries& entries, std::size_t& ignored) {
  bool first = true;
  std::string row;  // the lines so far of one with a quoted location that goes on
  for_each_line(location, [&](std::string_view line) {
    if (std::exchange(first, false) || (row.empty() && trimmed(line).empty())) return;
    const std::string_view name = location_in(line);
    if (row.empty() ? name.starts_with('"') && goes_on(name.substr(1)) : goes_on(line)) {
      (row += line) += '\n';
      return require_short(row, location);
    }
    read_row(trimmed(row += line), location, entries, ignored);
    row.clear();
  });
  if (!row.empty()) read_row(row, location, entries, ignored);  // throws: the closing quote is missing
}

void read_list(const fs::path& location, Entries& entries) {
  bool first = true;
  for_each_line(location, [&](std::string_view line) {
    line = trimmed(std::exchange(first, false) ? without_byte_order_mark(line) : line);
    if (!line.empty() && !line.starts_with('#')) entries.add(line, 0);
  });
}

/// Of a file in a prefix: the first folder; of another one: its folder. Empty if there is none.
std::string_view genre_of(std::string_view name, bool prefix) {
  const std::size_t end = prefix ? name.find('/') : name.rfind('/');
  if (end == std::string_view::npos) return {};
  const std::string_view folders = name.substr(0, end);
  return prefix ? folders : folders.substr(folders.rfind('/') + 1);
}

Dataset open_list(const fs::path& given, const DatasetOptions& options) {
  const bool pattern = is_pattern(given), prefix = !pattern && !file_exists(given);
  std::string text = given.native();
  while (prefix && text.ends_with('/')) text.pop_back();
  const fs::path location = prefix ? fs::path(text) : absolute_location(given);
  Dataset dataset;
  dataset.kind = "list";
  dataset.root = prefix ? location : location.parent_path();
  if (pattern)
    dataset.root =
        location.native().substr(0, std::max<std::size_t>(1, location.native().rfind('/', first_wildcard(location))));
  dataset.name = last_name(prefix || pattern ? dataset.root.native() : location.native());
  Entries entries;
  if (prefix || pattern) {
    const std::string root = join_location(dataset.root.native(), "");
    const auto add = [&](const FileInfo& file) {
      const std::string_view name = std::string_view(file.location).substr(root.size());
      looks_like_audio(name) ? entries.add(name, file.bytes) : void(++dataset.ignored);
    };
    pattern ? for_each_matching(location.native(), add) : for_each_with_prefix(root, /*deep=*/true, add);
  } else if (is_listing(location)) {
    read_listing(location, entries, dataset.ignored);
  } else {
    read_list(location, entries);
  }

  std::vector<Entry>& all = entries.all();
  if (!std::ranges::is_sorted(all, {}, &Entry::name)) std::ranges::stable_sort(all, {}, &Entry::name);
  const bool labelled = prefix || pattern || options.labels == LabelSource::folders;
  const bool may_lack_genre = options.keep_unlabelled || !labelled;
  const auto where = [&](const Entry& entry) { return resolve_location(dataset.root, entry.name).string(); };
  std::set<std::string_view> genres;
  std::string_view before;
  std::erase_if(all, [&](const Entry& entry) {
    const bool twice = entry.name == std::exchange(before, entry.name);
    const std::string_view genre = labelled ? genre_of(entry.name, prefix) : std::string_view();
    if (!twice && !genre.empty()) genres.insert(genre);
    if (!twice && (may_lack_genre || !genre.empty())) return false;
    dataset.rejected.push_back({twice ? "listed twice" : "no genre", where(entry), ""});
    return true;
  });
  if (all.empty())
    throw Error(dataset.rejected.empty() ? std::string("no audio files were found")
                                         : fmt::format("no track can be used ({})", counts_text(dataset.rejected)),
                location.string(), "genres are the names of the folders; --unlabelled includes files that are in none");
  dataset.labels.assign(genres.begin(), genres.end());

  std::span<const Entry> kept = all;
  if (options.part) {
    Hasher hasher(HashKind::sha256);
    for (const Entry& entry : all) hasher.update(fmt::format("{} {}\n", entry.name, entry.bytes));
    hasher.update(labelled ? "labelled" : "unlabelled");
    dataset.part = {*options.part, all.size(), hasher.hex()};
    require_enough(all.size(), *options.part, location.string());
    std::vector<std::uint64_t> weights;
    if (std::ranges::find(all, 0U, &Entry::bytes) == all.end())
      std::ranges::copy(all | std::views::transform(&Entry::bytes), std::back_inserter(weights));
    const auto [first, last] =
        weights.empty() ? part_range(all.size(), *options.part) : part_range(weights, *options.part);
    kept = kept.subspan(first, last - first);
    if (options.part->number > 1) dataset.rejected.clear();
  }
  dataset.tracks.reserve(kept.size());
  for (const Entry& entry : kept) {
    Track& track = dataset.tracks.emplace_back();
    track.id = entry.name;
    track.path = where(entry);
    track.bytes = entry.bytes;
    if (!labelled) continue;
    const auto label = std::ranges::lower_bound(dataset.labels, genre_of(entry.name, prefix));
    if (!genre_of(entry.name, prefix).empty()) track.label = static_cast<int>(label - dataset.labels.begin());
  }
  return dataset;
}

}  // namespace

// A prefix, a pattern, or a file whose name or first line identifies it as a list.
bool is_list_dataset(const fs::path& location) {
  if (is_pattern(location)) return true;
  const std::string extension = lower_case(location.extension().string());
  const bool list = extension == ".txt" || extension == ".lst", table = extension == ".csv";
  if (is_in_store(location) && !list && !table && !looks_like_audio(location))
    return !file_exists(location) && folder_exists(location);
  return (list && file_exists(location) && !read_csv_columns(location).lists_clips()) ||
         (table && is_listing(location));
}

DatasetKindDescriptor list_dataset() {
  return {.kind = "list",
          .title = "List of locations",
          .location = "a list of locations, a pattern, or a prefix of an object store",
          .recognised_by =
              "a .txt or .lst file with one path or URI a line, or what `genrewise list --csv` writes; or "
              "s3://BUCKET/PREFIX/, whose folders are the genres; or a pattern like 's3://BUCKET/*/*.wav', where the "
              "folder of each file is its genre",
          .recognises = [](const fs::path& location, const DatasetOptions&) { return is_list_dataset(location); },
          .open = open_list};
}

}  // namespace genrewise
