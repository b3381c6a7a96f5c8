// TFRecord files, plain and compressed; Examples and SequenceExamples.
#include <algorithm>
#include <cstring>

#include "genrewise/records/example.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/record_reader.hpp"
#include "targets.hpp"

namespace genrewise::fuzz {
namespace {

class Memory final : public FileReader {
 public:
  explicit Memory(std::string_view bytes) : info_{"input", bytes.size(), {}, {}}, bytes_(as_bytes(bytes)) {}
  const FileInfo& info() const override { return info_; }
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (offset >= bytes_.size()) return 0;
    const auto part = bytes_.subspan(offset, std::min<std::size_t>(into.size(), bytes_.size() - offset));
    std::ranges::copy(part, into.begin());
    return part.size();
  }

 private:
  FileInfo info_;
  std::span<const std::byte> bytes_;
};

template <class T>
std::vector<T> values_of(const FeatureView& feature) {
  std::vector<T> values(feature.size());
  require(feature.copy(std::span<T>(values)) == values.size());
  return values;
}

void use(const FeatureView& feature, std::span<const std::byte> payload) {
  require(feature.size() <= payload.size());
  const auto floats = feature.floats_in_one_piece();
  require(floats.empty() ||
          (floats.data() >= payload.data() && floats.data() + floats.size() <= payload.data() + payload.size()));
  if (feature.kind() == FeatureKind::floats) values_of<float>(feature);
  if (feature.kind() == FeatureKind::ints) values_of<std::int64_t>(feature);
  if (feature.kind() == FeatureKind::bytes) values_of<std::string_view>(feature);
}

template <class T>
bool same_bytes(const FeatureView& a, const FeatureView& b) {
  const auto first = values_of<T>(a), second = values_of<T>(b);
  return first.size() == second.size() &&
         (first.empty() || std::memcmp(first.data(), second.data(), first.size() * sizeof(T)) == 0);
}

// An example is read as it was written.
void write_again(const ExampleView& view) {
  ExampleWriter writer;
  for (const auto& entry : view.entries()) {
    const FeatureView& feature = entry.feature;
    if (view.find(entry.key) != &feature) continue;
    if (feature.kind() == FeatureKind::floats) writer.add(entry.key, values_of<float>(feature));
    if (feature.kind() == FeatureKind::ints) writer.add(entry.key, values_of<std::int64_t>(feature));
    if (feature.kind() == FeatureKind::bytes && feature.size() == 1)
      writer.add(entry.key, values_of<std::string_view>(feature).front());
  }
  for (const auto& sequence : view.sequences()) {
    if (sequence.steps.empty() || view.find(sequence.key) != nullptr) continue;
    const FeatureView& step = sequence.steps.front();
    if (step.kind() == FeatureKind::floats) writer.add(sequence.key, values_of<float>(step), 1);
    if (step.kind() == FeatureKind::bytes && step.size() == 1)
      writer.add(sequence.key, values_of<std::string_view>(step).front(), 1);
  }
  ExampleView again;
  const std::string payload(writer.finish());
  require(again.parse(as_bytes(payload)).has_value());
  for (const auto& [key, feature] : again.entries()) {
    const FeatureView* const before = view.find(key);
    require(before != nullptr && before->kind() == feature.kind());
    if (feature.kind() == FeatureKind::floats) require(same_bytes<float>(*before, feature));
    if (feature.kind() == FeatureKind::ints) require(same_bytes<std::int64_t>(*before, feature));
    if (feature.kind() == FeatureKind::bytes)
      require(values_of<std::string_view>(*before) == values_of<std::string_view>(feature));
  }
}

// No view outside the input.
void use_example(std::span<const std::byte> payload) {
  ExampleView view;
  if (!view.parse(payload)) return;
  for (const auto& entry : view.entries()) {
    use(entry.feature, payload);
    require(view.find(entry.key) != nullptr);
    view.text(entry.key);
  }
  for (const auto& sequence : view.sequences()) {
    for (const FeatureView& step : sequence.steps) use(step, payload);
    require(view.find_steps(sequence.key).has_value());
  }
  write_again(view);
}

void example(std::string_view input) {
  use_example(as_bytes(input));
}

// A file of records, plain or compressed. Each call of the reader advances by at least one byte.
void records(std::string_view input) {
  RecordReader reader{RecordSource(std::make_unique<Memory>(input))};
  Record record;
  for (std::size_t calls = 0;; ++calls) {
    require(calls < (std::size_t{1} << 24));
    const auto more = reader.next(record);
    if (!more) continue;
    if (!*more) return;
    use_example(record.payload);
  }
}

const AddTargets added{{"example", example}, {"records", records}};

}  // namespace
}  // namespace genrewise::fuzz
