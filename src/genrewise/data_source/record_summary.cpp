#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/data_source/record_files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

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
