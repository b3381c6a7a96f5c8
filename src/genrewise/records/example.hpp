// tf.train.Example: what one record holds.
//
//   message Example     { Features features = 1; }
//   message Features    { map<string, Feature> feature = 1; }
//   message Feature     { oneof kind { BytesList bytes_list = 1; FloatList float_list = 2; Int64List int64_list = 3; }
//   } message BytesList   { repeated bytes value = 1; }      FloatList, Int64List: repeated, packed or not
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise {

enum class FeatureKind { none = 0, bytes = 1, floats = 2, ints = 3 };
std::string_view to_string(FeatureKind kind);

/// One list of an Example, still encoded: a view into the record, which must outlive it.
class FeatureView {
 public:
  FeatureView() = default;
  FeatureKind kind() const { return kind_; }
  std::size_t size() const { return size_; }

  /// Each copies up to out.size() values (bytes: views of them) and returns how many; none when the kind is another.
  std::size_t copy(std::span<float> out) const;
  std::size_t copy(std::span<std::int64_t> out) const;
  std::size_t copy(std::span<std::string_view> out) const;

  /// All floats as they lie in the record (little-endian, at any address), where they lie in one piece, as every known
  /// encoder writes them; else, or of another kind, nothing.
  std::span<const std::byte> floats_in_one_piece() const;

 private:
  friend class ExampleView;
  bool read(std::span<const std::byte> feature);
  template <class Visit>
  bool for_each_list(Visit&& visit) const;

  FeatureKind kind_ = FeatureKind::none;
  std::size_t size_ = 0;
  std::span<const std::byte> body_;  // of the Feature message, from where its kind was last set
};

/// An Example, parsed without copying its values. Checks the whole encoding; unknown fields are passed over; of several
/// lists under one key the last counts. Reuse one object for many records: it then allocates nothing.
class ExampleView {
 public:
  struct Entry {
    std::string_view key;
    FeatureView feature;
  };

  /// Fault "not an Example" (with empty `where`; the caller knows the place). The payload must outlive the use of the
  /// entries.
  Expected<void> parse(std::span<const std::byte> payload);

  /// In the order in which they lie.
  std::span<const Entry> entries() const { return entries_; }
  /// Null when there is none.
  const FeatureView* find(std::string_view key) const;

 private:
  bool read_features(std::span<const std::byte> features);
  bool read_entry(std::span<const std::byte> entry);

  std::vector<Entry> entries_;
};

/// Encodes one Example after another into the same memory. Keys are written in the order of the calls, each once.
class ExampleWriter {
 public:
  ExampleWriter();
  void clear();
  void add(std::string_view key, std::span<const float> values);
  void add(std::string_view key, std::span<const std::int64_t> values);
  void add(std::string_view key, std::string_view value);
  /// The payload of a record; valid until the next call of any function.
  std::string_view finish();

 private:
  void open_list(std::string_view key, FeatureKind kind, std::size_t list_bytes);
  std::string bytes_;  // room for the outermost length, then the map's entries
};

}  // namespace genrewise
