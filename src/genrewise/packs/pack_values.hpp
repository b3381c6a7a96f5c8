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

/// Encodes the numbers of examples and measures the loss.
///   float32: `song` is a list of floats; lossless.
///   float16: `song` is one byte string of little-endian IEEE float16; relative error up to 2^-11.
///   uint8:   `song` is one byte string of q, `song_range` two floats (lowest, step); the number is lowest + step * q.
class SongEncoder {
 public:
  explicit SongEncoder(StoredAs stored) : stored_(stored) {}
  /// Fault "does not fit" for a magnitude above 65,504 with float16.
  Expected<void> add(ExampleWriter& example, std::span<const float> values);

 private:
  StoredAs stored_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint16_t> halves_;
};

/// Decodes into `values`. Faults "no song" and "wrong size".
Expected<void> decode_song(const ExampleView& example, StoredAs stored, std::span<float> values);

/// The same for a record whose payload checksum is not verified yet (PayloadSum::left_to_caller); `example` is the
/// parsed payload. Fault "damaged data" if the checksum is wrong; `values` are then undefined. Floats are copied and
/// summed in one pass.
Expected<void> decode_song(const ExampleView& example, const Record& record, StoredAs stored, std::span<float> values);

/// Adds the difference between `values` and the decoded `example` to the measured loss.
class LossMeter {
 public:
  void add(std::span<const float> values, std::span<const float> decoded);
  /// Continues from the measurement of an earlier run.
  void add(const PackLoss& loss, std::uint64_t count);
  PackLoss loss() const;
  std::uint64_t count() const { return count_; }

 private:
  double largest_ = 0, squares_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace genrewise
