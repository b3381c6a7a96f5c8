#include "genrewise/data_source/record_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "genrewise/base/half.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

/// The part that the last folder of the location names.
std::optional<Part> part_named(const fs::path& location) {
  const std::string folder = lower_case(location.parent_path().filename().string());
  const auto has = [&](const char* word) { return folder.find(word) != std::string::npos; };
  if (has("train")) return Part::training;
  if (has("valid") || folder == "val" || folder == "dev") return Part::validation;
  if (has("test") || has("eval")) return Part::test;
  return std::nullopt;
}

std::string id_in(const ExampleView& example, const std::string& key) {
  if (const FeatureView* feature = key.empty() ? nullptr : example.find(key)) {
    std::string_view text;
    std::int64_t number = 0;
    if (feature->copy(std::span(&text, 1)) == 1) return std::string(text);
    if (feature->copy(std::span(&number, 1)) == 1) return std::to_string(number);
  }
  return {};
}

/// One row per step, of equal lengths.
struct Steps {
  std::size_t length = 0;
  std::vector<float> values;

  Expected<void> add(std::span<const float> step) {
    if (length == 0) length = step.size();
    if (step.empty()) return refuse("no features", "a step has no values");
    if (step.size() != length)
      return refuse("wrong size", fmt::format("a step has {} numbers, not {}", step.size(), length));
    values.insert(values.end(), step.begin(), step.end());
    return {};
  }

  std::vector<float> pooled(RecordPool pool) const {
    if (pool == RecordPool::none) return values;
    const std::size_t count = values.size() / length;
    std::vector<float> row;
    std::vector<double> mean(length), square(length);
    for (std::size_t i = 0; i < values.size(); ++i) mean[i % length] += values[i];
    for (double& value : mean) value /= static_cast<double>(count);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double away = values[i] - mean[i % length];
      square[i % length] += away * away;
    }
    for (const double value : mean) row.push_back(static_cast<float>(value));
    if (pool == RecordPool::mean_std) {
      for (const double value : square)
        row.push_back(static_cast<float>(std::sqrt(value / static_cast<double>(count))));
    }
    return row;
  }
};

template <class T, class Convert>
Expected<std::vector<float>> numbers_in(std::string_view bytes, Convert convert) {
  if (bytes.size() % sizeof(T) != 0)
    return refuse("wrong size", fmt::format("{} bytes are no whole number of values of {}", bytes.size(), sizeof(T)));
  std::vector<float> values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T raw;
    std::memcpy(&raw, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = convert(raw);
  }
  return values;
}

bool starts_like_a_file(std::string_view bytes) {
  for (const char* magic : {"RIFF", "fLaC", "OggS", "ID3", "\xff\xd8\xff", "\x89PNG"}) {
    if (bytes.starts_with(magic)) return true;
  }
  return false;
}

/// Reads the examples of one file.
class FileExamples {
 public:
  struct Row {
    std::string id, label;
    std::vector<float> values;
  };

  FileExamples(const RecordKeys& keys, const std::map<std::string, std::string, std::less<>>& classes,
               const ClipExtractor* extractor, std::size_t columns)
      : keys_(keys), classes_(classes), extractor_(extractor), columns_(columns) {}

  void read(const FileInfo& file) {
    const std::string name(last_name(file.location));
    for_each_record(file, skipped, [&](const ExampleView& example, const std::string& where, std::size_t index) {
      Expected<Row> row = read_example(example, where);
      if (!row) return Expected<void>(tl::unexpected(row.error()));
      if (row->id.empty()) row->id = fmt::format("{} {}", name, index);
      rows.push_back(std::move(*row));
      return Expected<void>();
    });
  }

  std::vector<Row> rows;
  std::vector<Fault> skipped;

 private:
  Expected<Row> read_example(const ExampleView& example, const std::string& where) const {
    Row row;
    const auto labels = labels_in(example, keys_.label);
    if (!labels) return tl::unexpected(labels.error());
    const auto label = label_of(*labels);
    if (!label) return tl::unexpected(label.error());
    row.label = *label;
    row.id = id_in(example, keys_.id);
    const auto values = values_of(example, where);
    if (!values) return tl::unexpected(values.error());
    row.values = *values;
    const auto bad = std::ranges::find_if_not(row.values, [](float value) { return std::isfinite(value); });
    if (bad != row.values.end())
      return refuse("not a finite number", fmt::format("number {} is {}", bad - row.values.begin(), *bad));
    return row;
  }

  Expected<std::string> label_of(const std::vector<std::string>& labels) const {
    std::set<std::string> names;
    for (const std::string& label : labels) {
      const auto found = classes_.find(label);
      if (found != classes_.end()) names.insert(found->second);
      if (classes_.empty()) names.insert(label);
    }
    if (!keys_.one_class.empty()) return (names.contains(keys_.one_class) ? "" : "not ") + keys_.one_class;
    if (names.empty())
      return refuse(classes_.empty() ? "no label" : "no label of the class map",
                    fmt::format("labels: {}", fmt::join(labels, ", ")));
    if (names.size() > 1) return refuse("several labels", fmt::format("{}", fmt::join(names, ", ")));
    return *names.begin();
  }

  Expected<std::vector<float>> values_of(const ExampleView& example, const std::string& where) const {
    Steps steps;
    std::vector<FeatureView> features;
    if (const auto* sequence = example.find_sequence(keys_.features)) features = sequence->steps;
    if (const FeatureView* feature = example.find(keys_.features)) features.assign(1, *feature);
    if (features.empty() && example.find_sequence(keys_.features) == nullptr)
      return refuse("no such key", fmt::format("'{}'; {}", keys_.features, keys_text(example)));
    for (const FeatureView& feature : features) {
      const Expected<void> added = add_steps(feature, where, steps);
      if (!added) return tl::unexpected(added.error());
    }
    if (steps.length == 0) return refuse("no features", fmt::format("'{}' is empty", keys_.features));
    return extractor_ == nullptr ? steps.pooled(keys_.pool) : std::move(steps.values);
  }

  Expected<void> add_steps(const FeatureView& feature, const std::string& where, Steps& steps) const {
    if (feature.kind() == FeatureKind::bytes) {
      std::vector<std::string_view> texts(feature.size());
      texts.resize(feature.copy(std::span(texts)));
      if (extractor_ != nullptr && texts.size() != 1)
        return refuse("wrong size", fmt::format("{} byte strings where one audio file is expected", texts.size()));
      for (const std::string_view text : texts) {
        const auto values = decode(text, where);
        if (!values) return tl::unexpected(values.error());
        if (const auto added = steps.add(*values); !added) return added;
      }
      return {};
    }
    if (extractor_ != nullptr)
      return refuse("no audio file", fmt::format("'{}' has {}", keys_.features, to_string(feature.kind())));
    std::vector<float> values(feature.size());
    if (feature.kind() == FeatureKind::ints) {
      std::vector<std::int64_t> whole(feature.size());
      feature.copy(std::span(whole));
      std::ranges::transform(whole, values.begin(), [](std::int64_t value) { return static_cast<float>(value); });
    } else {
      feature.copy(std::span(values));
    }
    return steps.add(values);
  }

  Expected<std::vector<float>> decode(std::string_view bytes, const std::string& where) const {
    if (extractor_ != nullptr) {
      std::vector<float> row(columns_);
      const auto done = extractor_->extract(std::as_bytes(std::span(bytes)), where, kDefaultClip, row);
      if (!done) return tl::unexpected(done.error());
      return row;
    }
    if (starts_like_a_file(bytes))
      return refuse("an encoded file", "use --record-bytes audio for audio files; images are not supported");
    switch (keys_.bytes) {
      case RecordBytes::float16:
        return numbers_in<std::uint16_t>(bytes, from_half);
      case RecordBytes::float32:
        return numbers_in<float>(bytes, [](float value) { return value; });
      default:
        return numbers_in<std::uint8_t>(bytes, [](std::uint8_t value) { return static_cast<float>(value); });
    }
  }

  const RecordKeys& keys_;
  const std::map<std::string, std::string, std::less<>>& classes_;
  const ClipExtractor* extractor_;
  std::size_t columns_;
};

std::vector<FeatureColumn> columns_of(const RecordKeys& keys, std::size_t values) {
  std::vector<FeatureColumn> columns;
  const std::size_t half = keys.pool == RecordPool::mean_std ? values / 2 : values;
  const char* first = keys.pool == RecordPool::none ? "value" : "mean";
  for (std::size_t i = 0; i < values; ++i)
    columns.push_back({keys.features, i < half ? first : "std", std::to_string(i % half)});
  return columns;
}

/// Rows of all files in their order as examples; rows of another length than most are skipped.
class Collector {
 public:
  explicit Collector(std::vector<Fault>& skipped) : skipped_(skipped) {}

  void add(FileExamples&& file, const FileInfo& info, bool several_folders) {
    const auto part = several_folders ? part_named(info.location) : std::nullopt;
    for (FileExamples::Row& row : file.rows) {
      if (length_ == 0) length_ = row.values.size();
      if (row.values.size() != length_) {
        skipped_.push_back({"wrong size", info.location,
                            fmt::format("{} has {} numbers, not {}: pool the steps with --record-pool", row.id,
                                        row.values.size(), length_)});
        continue;
      }
      values_.insert(values_.end(), row.values.begin(), row.values.end());
      const int times = ++seen_[row.id];
      subjects_.ids.push_back(times == 1 ? row.id : fmt::format("{} #{}", row.id, times));
      subjects_.tracks.push_back(std::move(row.id));
      names_.push_back(std::move(row.label));
      subjects_.official.push_back(part);
    }
    std::ranges::move(file.skipped, std::back_inserter(skipped_));
  }

  Examples finish(const RecordKeys& keys) {
    Examples examples;
    const std::size_t rows = names_.size();
    subjects_.artists.resize(rows);
    subjects_.albums.resize(rows);
    set_labels(subjects_, names_);
    examples.labels = subjects_.labels_by_name;
    examples.table.columns = columns_of(keys, length_);
    examples.table.track_ids = subjects_.ids;
    examples.table.values = Matrix(rows, length_, std::move(values_));
    examples.subjects = std::move(subjects_);
    return examples;
  }

  std::size_t size() const { return names_.size(); }

 private:
  std::vector<Fault>& skipped_;
  std::size_t length_ = 0;
  std::vector<float> values_;
  std::vector<std::string> names_;
  std::map<std::string, int> seen_;
  SplitSubjects subjects_;
};

bool in_several_folders(const std::vector<FileInfo>& files) {
  return std::ranges::any_of(files, [&](const FileInfo& file) {
    return fs::path(file.location).parent_path() != fs::path(files.front().location).parent_path();
  });
}

}  // namespace

Examples read_record_examples(const fs::path& location, const RecordKeys& keys, const std::string& features,
                              std::vector<Fault>& skipped, Progress& progress) {
  const std::vector<FileInfo> files = require_record_files(location);
  const auto classes = classes_of(keys);
  const bool audio = keys.bytes == RecordBytes::audio;
  const auto set = audio ? make_feature_set(features) : nullptr;
  const auto extractor = audio ? std::make_unique<ClipExtractor>(*set) : nullptr;
  std::vector<FileExamples> read;
  for (std::size_t i = 0; i < files.size(); ++i)
    read.emplace_back(keys, classes, extractor.get(), audio ? set->size() : 0);
  progress.begin("reading records", "files", files.size());
  parallel_for(files.size(), [&](std::size_t i, int) {
    read[i].read(files[i]);
    progress.advance();
  });
  progress.finish();
  Collector collector(skipped);
  const bool several_folders = in_several_folders(files);
  for (std::size_t i = 0; i < files.size(); ++i) collector.add(std::move(read[i]), files[i], several_folders);
  if (collector.size() == 0)
    throw Error(fmt::format("none of the records in {} files is usable{}", files.size(),
                            skipped.empty() ? "" : "; the first fault: " + to_string(skipped.front())),
                location.string(), "genrewise inspect lists the keys of the records");
  Examples examples = collector.finish(keys);
  examples.name = location.filename().string();
  if (audio) {
    examples.table.recipe = set->recipe();
    examples.table.columns = set->columns();
  } else {
    examples.table.recipe = {"records", 1,
                             sha256_hex(fmt::format("{} {} {} {}", keys.features, to_string(keys.bytes),
                                                    to_string(keys.pool), examples.table.columns.size()))};
  }
  return examples;
}

}  // namespace genrewise
