// The numbers of an example in its record, and back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/records/example.hpp"
#include "genrewise/records/record_reader.hpp"

namespace genrewise {

/// Puts the numbers of one example after another into records, and measures what is lost.
///   float32: `song` is a list of floats; nothing is lost.
///   float16: `song` is one text of little-endian IEEE halves; relative error up to 2^-11.
///   uint8:   `song` is one text of bytes q, `song_range` two floats (lowest, step); the number is lowest + step * q.
class SongEncoder {
 public:
  explicit SongEncoder(StoredAs stored) : stored_(stored) {}
  /// Fault "does not fit" for a number beyond a half's 65,504.
  Expected<void> add(ExampleWriter& example, std::span<const float> values);

 private:
  StoredAs stored_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint16_t> halves_;
};

/// Reads them straight into `values`. Faults "no song" and "wrong size".
Expected<void> decode_song(const ExampleView& example, StoredAs stored, std::span<float> values);

/// The same out of a record whose payload nobody has summed yet (PayloadSum::left_to_caller); `example` is the payload
/// parsed. Fault "damaged data" when the sum is wrong; then `values` mean nothing. floats are copied and summed in one
/// go.
Expected<void> decode_song(const ExampleView& example, const Record& record, StoredAs stored, std::span<float> values);

/// Sums up what decoding `example` gives differently from `values`.
class LossMeter {
 public:
  void add(std::span<const float> values, std::span<const float> decoded);
  /// Goes on from what an earlier run measured.
  void add(const PackLoss& loss, std::uint64_t count);
  PackLoss loss() const;
  std::uint64_t count() const { return count_; }

 private:
  double largest_ = 0, squares_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace genrewise
