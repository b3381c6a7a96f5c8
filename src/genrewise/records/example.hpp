// tf.train.Example, the content of one record:
//
//   message Example   { Features features = 1; }
//   message Features  { map<string, Feature> feature = 1; }
//   message Feature   { oneof kind { BytesList bytes_list = 1; FloatList float_list = 2; Int64List int64_list = 3; } }
//   message BytesList { repeated bytes value = 1; }  // FloatList and Int64List likewise, packed or unpacked
//
// and tf.train.SequenceExample, whose context is encoded like the features of an Example:
//
//   message SequenceExample { Features context = 1; FeatureLists feature_lists = 2; }
//   message FeatureLists    { map<string, FeatureList> feature_list = 1; }
//   message FeatureList     { repeated Feature feature = 1; }
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise {

enum class FeatureKind { none = 0, bytes = 1, floats = 2, ints = 3 };
std::string_view to_string(FeatureKind kind);

/// One list of an Example, still encoded: a view of the record, which must outlive it.
class FeatureView {
 public:
  FeatureView() = default;
  FeatureKind kind() const { return kind_; }
  std::size_t size() const { return size_; }

  /// Copies up to out.size() values (for bytes: views of them) and returns their number; 0 for another kind.
  std::size_t copy(std::span<float> out) const;
  std::size_t copy(std::span<std::int64_t> out) const;
  std::size_t copy(std::span<std::string_view> out) const;

  /// All floats as bytes of the record (little-endian, unaligned) if they are contiguous, as every known encoder writes
  /// them; otherwise, and for another kind, empty.
  std::span<const std::byte> floats_in_one_piece() const;

 private:
  friend class ExampleView;
  bool read(std::span<const std::byte> feature);
  template <class Visit>
  void for_each_value(FeatureKind kind, Visit&& visit) const;

  FeatureKind kind_ = FeatureKind::none;
  std::size_t size_ = 0;
  std::span<const std::byte> body_;  // the Feature message from the field that last set its kind
};

/// Parses an Example or a SequenceExample without copying its values. Checks the whole encoding; skips unknown fields;
/// of several lists with one key the last counts. Reusing one object for many records avoids allocations.
class ExampleView {
 public:
  struct Entry {
    std::string_view key;
    FeatureView feature;
  };
  struct Sequence {
    std::string_view key;
    std::vector<FeatureView> steps;
  };

  /// Fault "not an Example" (with empty `where`, which the caller fills in). The payload must outlive the use of the
  /// entries, which are in the order of the record.
  Expected<void> parse(std::span<const std::byte> payload);

  std::span<const Entry> entries() const { return entries_; }
  /// Null if there is none; feature lists are not considered.
  const FeatureView* find(std::string_view key) const;
  /// The first text or integer of this key, as text; empty if there is none.
  std::string text(std::string_view key) const;
  std::span<const Sequence> sequences() const { return sequences_; }
  /// The steps of the feature list with this key, or the feature that is not in a list as one step.
  std::optional<std::span<const FeatureView>> find_steps(std::string_view key) const;

 private:
  bool read_features(std::span<const std::byte> features);
  bool read_sequences(std::span<const std::byte> feature_lists);

  std::vector<Entry> entries_;
  std::vector<Sequence> sequences_;
};

/// Encodes Examples and SequenceExamples, reusing its memory. Keys are written in the order of the calls; each key must
/// be added once.
class ExampleWriter {
 public:
  ExampleWriter();
  void clear();
  /// Adds a list under `key`: floats, integers, or one byte string. With `steps` > 0 the values are divided into that
  /// many equal steps of a feature list, which makes the record a SequenceExample.
  void add(std::string_view key, std::span<const float> values, std::size_t steps = 0);
  void add(std::string_view key, std::span<const std::int64_t> values);
  void add(std::string_view key, std::string_view value, std::size_t steps = 0);
  /// The payload of the record, valid until the next call of any function; clear() must come next.
  std::string_view finish();

 private:
  void add_list(std::string_view key, FeatureKind kind, std::string_view content, std::size_t steps);
  std::string bytes_;  // reserved bytes for the outermost tag and length, then the map's entries
  std::string lists_;  // the entries of the map of feature lists
};

}  // namespace genrewise
