/// @file
/// Decodes a clip and extracts a feature set from it.
/// @code
/// const ClipExtractor extractor(set);
/// std::vector<float> row(set.size());
/// const Expected<void> done = extractor.extract("song.mp3", kDefaultClip, row);
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

/// Decodes clips at the sample rate of a feature set and extracts it. Thread-safe; keeps one scratch object per
/// concurrent call for reuse.
class ClipExtractor {
 public:
  /// `set` must outlive the extractor.
  explicit ClipExtractor(const FeatureSet& set) : set_(set) {}

  /// Writes set.size() numbers to `out`. Faults: those of decode_file(), check_clip() and the set; their `where` is the
  /// location.
  /// Throws as decode_file() does.
  Expected<void> extract(const std::filesystem::path& location, const ClipRequest& clip, std::span<float> out) const;
  /// The same for a file in memory; `name` is the `where` of faults and a hint for the format.
  Expected<void> extract(std::span<const std::byte> bytes, const std::string& name, const ClipRequest& clip,
                         std::span<float> out) const;

 private:
  Expected<void> extract(const Expected<Waveform>& clip, const std::string& where, std::span<float> out) const;

  const FeatureSet& set_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<FeatureSet::Scratch>> free_;
};

}  // namespace genrewise
