/// @file
/// Decodes a clip and extracts feature sets from it.
/// @code
/// const ClipExtractor extractor({set.get(), other.get()});
/// std::vector<float> row(set->size()), other_row(other->size());
/// const std::vector<Expected<void>> done = extractor.extract("song.mp3", kDefaultClip, {{row, other_row}});
/// @endcode
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// Extracts one or more feature sets from clips: each clip is decoded once, resampled once per rate, and spectra and
/// other intermediate results that several sets use are computed once (ClipAnalysis). The numbers of a set do not
/// depend on the others. Thread-safe; keeps the memory of one ClipAnalysis per concurrent call.
class ClipExtractor {
 public:
  /// The sets must outlive the extractor.
  explicit ClipExtractor(std::vector<const FeatureSet*> sets) : sets_(std::move(sets)) {}
  explicit ClipExtractor(const FeatureSet& set) : ClipExtractor(std::vector{&set}) {}

  /// rows[i]: size() numbers of set i, or empty if they are not wanted. Result i is the fault of set i: one of
  /// decode_file(), check_clip() or the set; its `where` is the location. Throws as decode_file() does.
  std::vector<Expected<void>> extract(const std::filesystem::path& location, const ClipRequest& clip,
                                      const std::vector<std::span<float>>& rows) const;
  /// Only the first set.
  Expected<void> extract(const std::filesystem::path& location, const ClipRequest& clip, std::span<float> out) const;
  /// The same for a file in memory; `name` is the `where` of faults and a hint for the format.
  Expected<void> extract(std::span<const std::byte> bytes, const std::string& name, const ClipRequest& clip,
                         std::span<float> out) const;

 private:
  std::vector<std::span<float>> first_only(std::span<float> out) const;
  int decoded_rate_hz(const std::vector<std::span<float>>& rows) const;
  std::vector<Expected<void>> extract(const Expected<Waveform>& clip, const std::string& where,
                                      const std::vector<std::span<float>>& rows) const;

  std::vector<const FeatureSet*> sets_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<ClipAnalysis>> free_;
};

}  // namespace genrewise
