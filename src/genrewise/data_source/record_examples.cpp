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

/// One row from steps of equal length.
Expected<std::vector<float>> pooled(const std::vector<std::vector<float>>& steps, RecordPool pool) {
  if (steps.empty() || steps.front().empty()) return refuse("no features", "there are no values");
  const std::size_t length = steps.front().size();
  for (const std::vector<float>& step : steps) {
    if (step.size() != length)
      return refuse("wrong size", fmt::format("a step has {} numbers, not {}", step.size(), length));
  }
  std::vector<float> row;
  if (pool == RecordPool::none) {
    for (const std::vector<float>& step : steps) row.insert(row.end(), step.begin(), step.end());
    return row;
  }
  row.resize(pool == RecordPool::mean_std ? 2 * length : length);
  const auto count = static_cast<double>(steps.size());
  for (std::size_t j = 0; j < length; ++j) {
    double mean = 0, squares = 0;
    for (const std::vector<float>& step : steps) mean += step[j];
    mean /= count;
    for (const std::vector<float>& step : steps) squares += (step[j] - mean) * (step[j] - mean);
    row[j] = static_cast<float>(mean);
    if (pool == RecordPool::mean_std) row[length + j] = static_cast<float>(std::sqrt(squares / count));
  }
  return row;
}

std::vector<float> numbers_of(const FeatureView& feature) {
  std::vector<float> values(feature.size());
  std::vector<std::int64_t> whole(feature.kind() == FeatureKind::ints ? feature.size() : 0);
  feature.copy(std::span(values));
  feature.copy(std::span(whole));
  std::ranges::transform(whole, values.begin(), [](std::int64_t value) { return static_cast<float>(value); });
  return values;
}

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
  for (const char* magic : {"RIFF", "fLaC", "OggS", "ID3", "\xff\xd8\xff", "\x89PNG"})
    if (bytes.starts_with(magic)) return true;
  return false;
}

struct Row {
  std::string id, label;
  std::vector<float> values;
};

struct FileRows {
  std::vector<Row> rows;
  std::vector<Fault> skipped;
};

class ExampleReader {
 public:
  ExampleReader(const RecordKeys& keys, const std::string& features) : keys_(keys), classes_(classes_of(keys)) {
    if (keys.bytes != RecordBytes::audio) return;
    set_ = make_feature_set(features);
    extractor_.emplace(*set_);
  }

  FileRows read(const FileInfo& file) const {
    FileRows read;
    for_each_record(file, read.skipped, [&](const ExampleView& example, const std::string& where, std::size_t index) {
      Expected<Row> row = read_example(example, where);
      if (!row) return Expected<void>(tl::unexpected(row.error()));
      if (row->id.empty()) row->id = fmt::format("{} {}", last_name(file.location), index);
      read.rows.push_back(std::move(*row));
      return Expected<void>();
    });
    return read;
  }

  /// Sets recipe and columns of a table of so many values.
  void describe(FeatureTable& table, std::size_t values) const {
    if (set_) {
      table.recipe = set_->recipe();
      table.columns = set_->columns();
      return;
    }
    const std::size_t half = keys_.pool == RecordPool::mean_std ? values / 2 : values;
    const char* first = keys_.pool == RecordPool::none ? "value" : "mean";
    for (std::size_t i = 0; i < values; ++i)
      table.columns.push_back({keys_.features, i < half ? first : "std", std::to_string(i % half)});
    table.recipe = {
        "records", 1,
        sha256_hex(fmt::format("{} {} {} {}", keys_.features, to_string(keys_.bytes), to_string(keys_.pool), values))};
  }

 private:
  Expected<Row> read_example(const ExampleView& example, const std::string& where) const {
    const auto labels = labels_in(example, keys_.label);
    const auto label = labels ? label_of(*labels) : tl::unexpected(labels.error());
    if (!label) return tl::unexpected(label.error());
    const auto steps = steps_of(example, where);
    auto values = steps ? pooled(*steps, set_ ? RecordPool::none : keys_.pool) : tl::unexpected(steps.error());
    if (!values) return tl::unexpected(values.error());
    const auto bad = std::ranges::find_if_not(*values, [](float value) { return std::isfinite(value); });
    if (bad != values->end())
      return refuse("not a finite number", fmt::format("number {} is {}", bad - values->begin(), *bad));
    return Row{example.text(keys_.id), *label, std::move(*values)};
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
    if (names.size() > 1)
      return refuse("several labels", fmt::format("{}{}", fmt::join(names, ", "),
                                                  classes_.empty() ? ": choose some with --class-map or --one-class"
                                                                   : ": choose one with --one-class"));
    return *names.begin();
  }

  /// Of audio, its features are the only step.
  Expected<std::vector<std::vector<float>>> steps_of(const ExampleView& example, const std::string& where) const {
    const auto features = example.find_steps(keys_.features);
    if (!features) return refuse("no such key", fmt::format("'{}'; {}", keys_.features, keys_text(example)));
    float range[2] = {0, 1};  // of bytes, as genrewise packs them
    const FeatureView* ends = example.find(RecordForm{.features = keys_.features}.range());
    if (ends != nullptr && ends->size() == 2) ends->copy(std::span(range));
    std::vector<std::vector<float>> steps;
    for (const FeatureView& feature : *features) {
      const bool bytes = feature.kind() == FeatureKind::bytes;
      if (extractor_ && (!bytes || feature.size() != 1 || features->size() != 1))
        return refuse("no audio file",
                      fmt::format("'{}' has {} lists, of {} {}, instead of one byte string", keys_.features,
                                  features->size(), feature.size(), to_string(feature.kind())));
      std::vector<std::string_view> texts(bytes ? feature.size() : 0);
      feature.copy(std::span(texts));
      for (const std::string_view text : texts) {
        auto values = decode(text, range, where);
        if (!values) return tl::unexpected(values.error());
        steps.push_back(std::move(*values));
      }
      if (!bytes) steps.push_back(numbers_of(feature));
    }
    return steps;
  }

  Expected<std::vector<float>> decode(std::string_view bytes, std::span<const float, 2> range,
                                      const std::string& where) const {
    if (extractor_) {
      std::vector<float> row(set_->size());
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
        return numbers_in<std::uint8_t>(
            bytes, [&](std::uint8_t value) { return range[0] + range[1] * static_cast<float>(value); });
    }
  }

  const RecordKeys& keys_;
  const RecordClasses classes_;
  std::unique_ptr<FeatureSet> set_;  // of audio
  std::optional<ClipExtractor> extractor_;
};

/// The rows of all files in their order; rows of another length than most are skipped.
Examples collected(std::vector<FileRows> files, const std::vector<FileInfo>& infos, RecordPool pool,
                   std::vector<Fault>& skipped) {
  const auto folder_of = [](const FileInfo& file) { return fs::path(file.location).parent_path(); };
  const bool several_folders =
      std::ranges::any_of(infos, [&](const FileInfo& file) { return folder_of(file) != folder_of(infos.front()); });
  std::map<std::size_t, std::size_t, std::greater<>> lengths;  // number of rows by their length
  for (const FileRows& file : files)
    for (const Row& row : file.rows) ++lengths[row.values.size()];
  const auto most = std::ranges::max_element(lengths, {}, [](const auto& entry) { return entry.second; });
  const std::size_t length = most == lengths.end() ? 0 : most->first;
  std::vector<float> values;
  if (length > 0) values.reserve(length * most->second);
  std::vector<std::string> labels;
  UniqueIds unique;
  Examples examples;
  SplitSubjects& subjects = examples.subjects;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const FileRows file = std::exchange(files[i], {});  // its memory is freed
    const auto part = several_folders ? part_named(infos[i].location) : std::nullopt;
    for (const Row& row : file.rows) {
      if (row.values.size() != length) {
        skipped.push_back({"wrong size", infos[i].location,
                           fmt::format("{} has {} numbers, not {} as most{}", row.id, row.values.size(), length,
                                       pool == RecordPool::none ? ": pool the steps with --record-pool" : "")});
        continue;
      }
      values.insert(values.end(), row.values.begin(), row.values.end());
      subjects.ids.push_back(unique.name(row.id));
      subjects.tracks.push_back(row.id);
      subjects.official.push_back(part);
      labels.push_back(row.label);
    }
    skipped.insert(skipped.end(), file.skipped.begin(), file.skipped.end());
  }
  subjects.artists.resize(labels.size());
  subjects.albums.resize(labels.size());
  set_labels(subjects, labels);
  examples.labels = subjects.labels_by_name;
  examples.table.track_ids = subjects.ids;
  examples.table.values = Matrix(labels.size(), length, std::move(values));
  return examples;
}

}  // namespace

Examples read_record_examples(const fs::path& location, const RecordKeys& keys, const std::string& features,
                              std::vector<Fault>& skipped, Progress& progress) {
  const std::vector<FileInfo> files = require_record_files(location);
  const ExampleReader reader(keys, features);
  std::vector<FileRows> read(files.size());
  progress.begin("reading records", "files", files.size());
  parallel_for(files.size(), [&](std::size_t i, int) {
    read[i] = reader.read(files[i]);
    progress.advance();
  });
  progress.finish();
  Examples examples = collected(std::move(read), files, keys.pool, skipped);
  if (examples.subjects.ids.empty())
    throw Error(fmt::format("none of the records in {} files is usable{}", files.size(),
                            skipped.empty() ? "" : "; the first fault: " + to_string(skipped.front())),
                location.string(), "genrewise inspect lists the keys of the records");
  examples.name = location.filename().string();
  reader.describe(examples.table, examples.table.values.cols());
  return examples;
}

}  // namespace genrewise
