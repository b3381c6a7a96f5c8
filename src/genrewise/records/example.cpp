#include "genrewise/records/example.hpp"

#include <algorithm>
#include <cstring>

#include "genrewise/records/framing.hpp"
#include "genrewise/records/protobuf_wire.hpp"

namespace genrewise {
namespace {

using wire::Field;
using wire::Reader;

constexpr std::size_t kReservedHeadBytes = 11;  // longest tag and length of Example.features

// Counts the values in one field of a list; false for an invalid encoding. Other fields have none.
bool count_values(FeatureKind kind, const Field& field, std::size_t& count) {
  count = 0;
  if (field.number != 1) return true;
  switch (kind) {
    case FeatureKind::bytes:
      count = field.type == wire::bytes;
      return true;
    case FeatureKind::floats:
      count = field.type == wire::fixed32 ? 1 : field.type == wire::bytes ? field.body.size() / sizeof(float) : 0;
      return field.type != wire::bytes || field.body.size() % sizeof(float) == 0;
    case FeatureKind::ints: {
      count = field.type == wire::varint;
      if (field.type != wire::bytes) return true;
      Reader packed(field.body);
      for (std::uint64_t value = 0; !packed.at_end(); ++count)
        if (!packed.next_varint(value)) return false;
      return true;
    }
    case FeatureKind::none:
      break;
  }
  return true;
}

}  // namespace

std::string_view to_string(FeatureKind kind) {
  static constexpr std::string_view names[] = {"nothing", "bytes", "floats", "integers"};
  return names[static_cast<std::size_t>(kind)];
}

// A list may be split into several fields, which are concatenated; a list of another kind replaces the earlier ones.
bool FeatureView::read(std::span<const std::byte> feature) {
  *this = FeatureView();
  Reader reader(feature);
  while (!reader.at_end()) {
    const std::byte* start = reader.position();
    Field field;
    if (!reader.next(field)) return false;
    if (field.type != wire::bytes || field.number > 3) continue;
    const auto kind = static_cast<FeatureKind>(field.number);
    if (kind != kind_) {
      kind_ = kind;
      size_ = 0;
      body_ = {start, feature.data() + feature.size()};
    }
    Reader list(field.body);
    while (!list.at_end()) {
      Field value;
      std::size_t count = 0;
      if (!list.next(value) || !count_values(kind, value, count)) return false;
      size_ += count;
    }
  }
  return true;
}

// Calls visit(field) for the fields with the values of that kind until it returns false. read() has checked all of
// them.
template <class Visit>
void FeatureView::for_each_value(FeatureKind kind, Visit&& visit) const {
  Reader reader(body_);
  Field list;
  while (kind == kind_ && !reader.at_end() && reader.next(list)) {
    if (list.type != wire::bytes || static_cast<FeatureKind>(list.number) != kind_) continue;
    Reader values(list.body);
    Field value;
    while (!values.at_end() && values.next(value))
      if (value.number == 1 && !visit(value)) return;
  }
}

std::size_t FeatureView::copy(std::span<float> out) const {
  std::size_t done = 0;
  for_each_value(FeatureKind::floats, [&](const Field& field) {
    if (field.type == wire::bytes) {
      const std::size_t count = std::min(field.body.size() / sizeof(float), out.size() - done);
      if (count > 0) std::memcpy(out.data() + done, field.body.data(), count * sizeof(float));
      done += count;
    } else if (field.type == wire::fixed32 && done < out.size()) {
      out[done++] = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
    }
    return done < out.size();
  });
  return done;
}

std::span<const std::byte> FeatureView::floats_in_one_piece() const {
  std::span<const std::byte> piece;
  for_each_value(FeatureKind::floats, [&](const Field& field) {
    if (field.type == wire::bytes) piece = field.body;
    return field.type != wire::bytes;
  });
  return piece.size() == size_ * sizeof(float) ? piece : std::span<const std::byte>();
}

std::size_t FeatureView::copy(std::span<std::int64_t> out) const {
  std::size_t done = 0;
  for_each_value(FeatureKind::ints, [&](const Field& field) {
    if (field.type == wire::varint && done < out.size()) out[done++] = static_cast<std::int64_t>(field.value);
    Reader packed(field.type == wire::bytes ? field.body : std::span<const std::byte>());
    for (std::uint64_t value = 0; done < out.size() && !packed.at_end() && packed.next_varint(value);)
      out[done++] = static_cast<std::int64_t>(value);
    return done < out.size();
  });
  return done;
}

std::size_t FeatureView::copy(std::span<std::string_view> out) const {
  std::size_t done = 0;
  for_each_value(FeatureKind::bytes, [&](const Field& field) {
    if (field.type == wire::bytes && done < out.size()) out[done++] = as_text(field.body);
    return done < out.size();
  });
  return done;
}

namespace {

/// Iterates over the entries of a map<string, message>: visit(key, message) returns false for an invalid message.
template <class Visit>
bool read_map(std::span<const std::byte> map, Visit&& visit) {
  Reader reader(map);
  while (!reader.at_end()) {
    Field field;
    if (!reader.next(field)) return false;
    if (field.number != 1 || field.type != wire::bytes) continue;
    Reader entry(field.body);
    std::string_view key;
    std::span<const std::byte> value;
    bool has_value = false;
    while (!entry.at_end()) {
      Field part;
      if (!entry.next(part)) return false;
      if (part.type != wire::bytes) continue;
      if (part.number == 1) key = as_text(part.body);
      if (part.number != 2) continue;
      if (has_value) return false;
      has_value = true;
      value = part.body;
    }
    if (!visit(key, value)) return false;
  }
  return true;
}

template <class Entries>
auto* last_of(Entries& entries, std::string_view key) {
  const auto last = std::find_if(entries.rbegin(), entries.rend(), [&](const auto& entry) { return entry.key == key; });
  return last == entries.rend() ? nullptr : &*last;
}

}  // namespace

Expected<void> ExampleView::parse(std::span<const std::byte> payload) {
  entries_.clear();
  sequences_.clear();
  Reader reader(payload);
  while (!reader.at_end()) {
    Field field;
    if (!reader.next(field)) return tl::unexpected(Fault{"not an Example", {}, "invalid encoding"});
    if (field.type != wire::bytes || field.number > 2) continue;
    if (field.number == 1 ? read_features(field.body) : read_sequences(field.body)) continue;
    entries_.clear();
    sequences_.clear();
    return tl::unexpected(Fault{"not an Example", {}, "invalid encoding of its features"});
  }
  return {};
}

bool ExampleView::read_features(std::span<const std::byte> features) {
  return read_map(features, [&](std::string_view key, std::span<const std::byte> value) {
    Entry& entry = entries_.emplace_back();
    entry.key = key;
    return entry.feature.read(value);
  });
}

bool ExampleView::read_sequences(std::span<const std::byte> feature_lists) {
  return read_map(feature_lists, [&](std::string_view key, std::span<const std::byte> value) {
    Sequence& sequence = sequences_.emplace_back();
    sequence.key = key;
    Reader list(value);
    while (!list.at_end()) {
      Field step;
      if (!list.next(step)) return false;
      if (step.number == 1 && step.type == wire::bytes && !sequence.steps.emplace_back().read(step.body)) return false;
    }
    return true;
  });
}

const FeatureView* ExampleView::find(std::string_view key) const {
  const Entry* entry = last_of(entries_, key);
  return entry == nullptr ? nullptr : &entry->feature;
}

std::string ExampleView::text(std::string_view key) const {
  std::string_view text;
  std::int64_t number = 0;
  const FeatureView* feature = find(key);
  if (feature == nullptr) return {};
  if (feature->copy(std::span(&number, 1)) == 1) return std::to_string(number);
  feature->copy(std::span(&text, 1));
  return std::string(text);
}

std::optional<std::span<const FeatureView>> ExampleView::find_steps(std::string_view key) const {
  if (const FeatureView* feature = find(key)) return std::span(feature, 1);
  if (const Sequence* sequence = last_of(sequences_, key)) return sequence->steps;
  return std::nullopt;
}

ExampleWriter::ExampleWriter() : bytes_(kReservedHeadBytes, '\0') {}

void ExampleWriter::clear() {
  bytes_.resize(kReservedHeadBytes);
  lists_.clear();
}

// Adds one Feature, or a list of them, with equal shares of `content`: packed numbers or one byte string, which are
// encoded in the same way.
void ExampleWriter::add_list(std::string_view key, FeatureKind kind, std::string_view content, std::size_t steps) {
  const auto field_bytes = [](std::size_t body) { return 1 + wire::varint_bytes(body) + body; };
  const std::size_t count = std::max<std::size_t>(1, steps), share = content.size() / count;
  const std::size_t list_bytes = field_bytes(share), feature_bytes = field_bytes(list_bytes);
  const std::size_t body = steps == 0 ? feature_bytes : steps * field_bytes(feature_bytes);
  std::string& out = steps == 0 ? bytes_ : lists_;
  wire::put_length(out, 1, field_bytes(key.size()) + field_bytes(body));
  wire::put_bytes(out, 1, key);
  wire::put_length(out, 2, body);
  for (std::size_t i = 0; i < count; ++i) {
    if (steps > 0) wire::put_length(out, 1, feature_bytes);
    wire::put_length(out, static_cast<std::uint32_t>(kind), list_bytes);
    wire::put_bytes(out, 1, content.substr(i * share, share));
  }
}

void ExampleWriter::add(std::string_view key, std::span<const float> values, std::size_t steps) {
  add_list(key, FeatureKind::floats, as_text(std::as_bytes(values)), steps);
}

void ExampleWriter::add(std::string_view key, std::span<const std::int64_t> values) {
  std::string packed;
  for (const auto value : values) wire::put_varint(packed, static_cast<std::uint64_t>(value));
  add_list(key, FeatureKind::ints, packed, 0);
}

void ExampleWriter::add(std::string_view key, std::string_view value, std::size_t steps) {
  add_list(key, FeatureKind::bytes, value, steps);
}

std::string_view ExampleWriter::finish() {
  std::string head;
  wire::put_length(head, 1, bytes_.size() - kReservedHeadBytes);
  const std::size_t start = kReservedHeadBytes - head.size();
  std::ranges::copy(head, bytes_.begin() + static_cast<std::ptrdiff_t>(start));
  if (!lists_.empty()) wire::put_bytes(bytes_, 2, lists_);
  return std::string_view(bytes_).substr(start);
}

}  // namespace genrewise
