// Encodes and decodes the numbers of an example in its record.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/records/example.hpp"
#include "genrewise/records/record_reader.hpp"

namespace genrewise {

/// Encodes the numbers of examples, in each step:
///   float32: a list of floats; lossless.
///   float16: one byte string of little-endian IEEE float16; relative error up to 2^-11.
///   uint8:   one byte string of q; the example's form.range() is two floats (lowest, step), the number lowest + step *
///            q.
class SongEncoder {
 public:
  explicit SongEncoder(StoredAs stored, RecordForm form = {}) : stored_(stored), form_(std::move(form)) {}
  /// Fault "does not fit" for a magnitude above 65,504 with float16.
  Expected<void> add(ExampleWriter& example, std::span<const float> values);

 private:
  StoredAs stored_;
  RecordForm form_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint16_t> halves_;
};

/// Decodes into `values`. Faults "no song" and "wrong size".
Expected<void> decode_song(const ExampleView& example, StoredAs stored, std::span<float> values,
                           const RecordForm& form = {});

/// The same for a record whose payload checksum is not verified yet (PayloadSum::left_to_caller); `example` is the
/// parsed payload. Fault "damaged data" if the checksum is wrong; `values` are then undefined. Floats are copied and
/// summed in one pass.
Expected<void> decode_song(const ExampleView& example, const Record& record, StoredAs stored, std::span<float> values,
                           const RecordForm& form = {});

/// Id and label that a record states.
struct RecordIdentity {
  std::string_view id;
  std::int64_t label = -1;  ///< -1: none
};
RecordIdentity identity_of(const ExampleView& example, const RecordForm& form);

/// Measures the loss of storing in fewer bits.
class LossMeter {
 public:
  void add(std::span<const float> values, std::span<const float> decoded);
  /// Adds what was measured on `count` numbers.
  void add(const PackLoss& loss, std::uint64_t count);
  PackLoss loss() const;

 private:
  double largest_ = 0, squares_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace genrewise
