// Record files and class maps, and the names of their options.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <regex>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/data_source/record_examples.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

bool is_record_name(const std::string& name) {
  static const std::regex pattern(R"(.*\.tfrecords?(-\d+-of-\d+)?(\.gz)?|.*\.tfrec|.*-\d{5}-of-\d{5}(\.gz)?)");
  return std::regex_match(name, pattern);
}

}  // namespace

std::string_view to_string(RecordBytes bytes) {
  constexpr std::string_view kNames[] = {"uint8", "float16", "float32", "audio"};
  return kNames[static_cast<std::size_t>(bytes)];
}

std::string_view to_string(RecordPool pool) {
  constexpr std::string_view kNames[] = {"mean", "mean+std", "none"};
  return kNames[static_cast<std::size_t>(pool)];
}

std::map<std::string, std::string, std::less<>> read_class_map(const fs::path& path) {
  const std::string text = read_file(path);
  CsvReader csv(text, path.string());
  std::vector<std::string_view> row;
  if (!csv.next(row)) throw Error("is empty", path.string(), "a class map needs a header row and a row per class");
  std::optional<std::size_t> name;
  for (const char* title : {"display_name", "name", "genre", "label"}) {
    const auto found =
        std::ranges::find_if(row, [&](std::string_view cell) { return lower_case(trimmed(cell)) == title; });
    if (!name && found != row.end()) name = static_cast<std::size_t>(found - row.begin());
  }
  const std::size_t width = row.size();
  if (!name || width < 2)
    throw Error("has no column display_name, name, genre or label beside one that identifies the class",
                path.string() + ":1", "a class map looks like index,name");
  std::map<std::string, std::string, std::less<>> names;
  while (csv.next(row)) {
    const std::string where = fmt::format("{}:{}", path.string(), csv.line());
    if (row.size() != width) throw Error(fmt::format("the row has {} cells, the header {}", row.size(), width), where);
    for (std::size_t i = 0; i < width; ++i) {
      if (i == *name || trimmed(row[i]).empty()) continue;
      const auto [entry, fresh] = names.emplace(trimmed(row[i]), trimmed(row[*name]));
      if (!fresh && entry->second != trimmed(row[*name]))
        throw Error(fmt::format("'{}' identifies both '{}' and '{}'", entry->first, entry->second, trimmed(row[*name])),
                    where, "leave the column out");
    }
  }
  if (names.empty()) throw Error("has a header but no rows", path.string());
  return names;
}

std::vector<FileInfo> find_record_files(const fs::path& location) {
  if (is_record_name(location.filename().string())) {
    if (auto file = find_file(location)) return {std::move(*file)};
  }
  std::vector<FileInfo> files = list_files(location);
  std::error_code ignored;
  std::vector<fs::path> folders;
  for (const fs::path& path : entries_of(location, ignored)) {
    if (fs::is_directory(path, ignored) && !path.filename().string().starts_with('.')) folders.push_back(path);
  }
  std::ranges::sort(folders);
  for (const fs::path& folder : folders) std::ranges::move(list_files(folder), std::back_inserter(files));
  std::erase_if(files, [](const FileInfo& file) { return !is_record_name(std::string(last_name(file.location))); });
  return files;
}

}  // namespace genrewise
