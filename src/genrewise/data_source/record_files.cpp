#include "genrewise/data_source/record_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/record_reader.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {

namespace fs = std::filesystem;

std::string_view to_string(RecordBytes bytes) {
  constexpr std::string_view kNames[] = {"uint8", "float16", "float32", "audio"};
  return kNames[static_cast<std::size_t>(bytes)];
}

std::string_view to_string(RecordPool pool) {
  constexpr std::string_view kNames[] = {"mean", "mean+std", "none"};
  return kNames[static_cast<std::size_t>(pool)];
}

RecordClasses read_class_map(const fs::path& path) {
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
  RecordClasses names;
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
  std::vector<FileInfo> files = list_record_files(location);
  std::error_code ignored;
  std::vector<fs::path> folders;
  for (const fs::path& path : entries_of(location, ignored))
    if (fs::is_directory(path, ignored) && !path.filename().string().starts_with('.')) folders.push_back(path);
  std::ranges::sort(folders);
  for (const fs::path& folder : folders) std::ranges::move(list_record_files(folder), std::back_inserter(files));
  return files;
}

std::string UniqueIds::name(const std::string& id) {
  for (int& times = times_[id];;) {
    if (++times == 1) return id;
    std::string numbered = fmt::format("{} #{}", id, times);
    if (times_.emplace(numbered, 1).second) return numbered;
  }
}

std::vector<FileInfo> require_record_files(const fs::path& location) {
  std::vector<FileInfo> files = find_record_files(location);
  if (files.empty())
    throw Error("has no record file", location.string(), "names end in .tfrecord, .tfrec or -00000-of-00016");
  return files;
}

RecordClasses classes_of(const RecordKeys& keys) {
  RecordClasses classes = keys.classes.empty() ? RecordClasses() : read_class_map(keys.classes);
  const auto is_it = [&](const auto& entry) { return entry.second == keys.one_class; };
  if (!keys.one_class.empty() && !classes.empty() && std::ranges::none_of(classes, is_it))
    throw Error(fmt::format("has no class named '{}'", keys.one_class), keys.classes.string(),
                "write the name as in the class map");
  return classes;
}

std::string keys_text(const ExampleView& example) {
  std::set<std::string> keys;
  for (const auto& entry : example.entries()) keys.insert(std::string(entry.key));
  for (const auto& sequence : example.sequences()) keys.insert(std::string(sequence.key));
  return keys.empty() ? "it has none" : fmt::format("it has {}", fmt::join(keys, ", "));
}

Expected<std::vector<std::string>> labels_in(const ExampleView& example, const std::string& key) {
  const FeatureView* feature = example.find(key);
  if (feature == nullptr) return refuse("no such key", fmt::format("'{}'; {}", key, keys_text(example)));
  std::vector<std::string> labels;
  if (feature->kind() == FeatureKind::floats)
    return refuse("labels are floats", fmt::format("'{}' needs integers or texts", key));
  std::vector<std::int64_t> numbers(feature->size());
  std::vector<std::string_view> texts(feature->size());
  numbers.resize(feature->copy(std::span(numbers)));
  texts.resize(feature->copy(std::span(texts)));
  for (const std::int64_t number : numbers) labels.push_back(std::to_string(number));
  labels.insert(labels.end(), texts.begin(), texts.end());
  return labels;
}

void for_each_record(const FileInfo& file, std::vector<Fault>& skipped, const RecordVisit& visit) {
  const auto skip = [&](Fault fault, const std::string& where) {
    if (fault.where.empty()) fault.where = where;
    skipped.push_back(std::move(fault));
  };
  try {
    RecordReader reader{RecordSource(open_file(file))};
    ExampleView example;
    Record record;
    for (std::size_t index = 0;; ++index) {
      const auto more = reader.next(record);
      if (more && !*more) break;
      const std::string where = fmt::format("{} @ {}", file.location, record.offset);
      if (!more) {
        skip(more.error(), where);
        continue;
      }
      Expected<void> done = example.parse(record.payload);
      if (done) done = visit(example, where, index);
      if (!done) skip(done.error(), where);
    }
  } catch (const FileError& error) {
    skip({"cannot be read", {}, error.problem()}, file.location);
  }
}

namespace {

/// The first value, for display.
std::string sample_of(const FeatureView& feature) {
  float real = 0;
  std::int64_t whole = 0;
  std::string_view text;
  if (feature.copy(std::span(&real, 1)) == 1) return fmt::format("{}", real);
  if (feature.copy(std::span(&whole, 1)) == 1) return std::to_string(whole);
  if (feature.copy(std::span(&text, 1)) == 0) return {};
  const bool plain = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  return plain && text.size() <= 40 ? std::string(text) : fmt::format("{} bytes", text.size());
}

}  // namespace

RecordSummary summarise_records(const fs::path& location, const RecordKeys& keys, Progress& progress) {
  RecordSummary summary;
  const std::vector<FileInfo> files = require_record_files(location);
  const auto classes = classes_of(keys);
  progress.begin("reading records", "files", files.size());
  for (const FileInfo& file : files) {
    for_each_record(file, summary.skipped, [&](const ExampleView& example, const std::string&, std::size_t) {
      ++summary.records;
      const auto add = [&](std::string_view key, std::string kind, std::size_t size, const FeatureView* first) {
        RecordSummary::Key& entry = summary.keys[std::string(key)];
        if (entry.records++ == 0) {
          entry.kind = std::move(kind);
          entry.least = entry.most = size;
          if (first != nullptr) entry.sample = sample_of(*first);
        }
        entry.least = std::min(entry.least, size);
        entry.most = std::max(entry.most, size);
      };
      for (const auto& [key, feature] : example.entries())
        add(key, std::string(to_string(feature.kind())), feature.size(), &feature);
      for (const auto& [key, steps] : example.sequences()) {
        const FeatureView* first = steps.empty() ? nullptr : &steps.front();
        add(key, fmt::format("sequence of {}", first ? to_string(first->kind()) : "nothing"), steps.size(), first);
      }
      if (keys.label.empty()) return Expected<void>();
      const auto labels = labels_in(example, keys.label);
      if (!labels) return Expected<void>(tl::unexpected(labels.error()));
      for (const std::string& label : *labels) {
        const auto name = classes.find(label);
        if (name != classes.end()) ++summary.labels[name->second];
        if (classes.empty()) ++summary.labels[label];
      }
      return Expected<void>();
    });
    ++summary.files;
    progress.advance();
  }
  progress.finish();
  return summary;
}

nlohmann::json to_json(const RecordSummary& summary) {
  nlohmann::json keys = nlohmann::json::array();
  for (const auto& [name, key] : summary.keys) {
    keys.push_back({{"key", name},
                    {"kind", key.kind},
                    {"records", key.records},
                    {"least", key.least},
                    {"most", key.most},
                    {"sample", key.sample}});
  }
  nlohmann::json faults = nlohmann::json::array();
  for (const auto& [reason, count] : counts_by_reason(summary.skipped))
    faults.push_back({{"reason", reason}, {"count", count}});
  return {{"files", summary.files},
          {"records", summary.records},
          {"keys", keys},
          {"labels", summary.labels},
          {"skipped", faults}};
}

}  // namespace genrewise
