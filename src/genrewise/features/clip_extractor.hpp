// From a clip's location to its numbers: decodes and extracts.
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

/// Decodes clips at the rate that a feature set takes and extracts it from them. Calls may come from any number of
/// threads at once; a scratch space is made for as many as are at work and kept for later calls.
class ClipExtractor {
 public:
  /// The set must outlive it.
  explicit ClipExtractor(const FeatureSet& set) : set_(set) {}

  /// Writes set.size() numbers. Faults: those of decode_file() and of the set; `where` is the location. Throws as
  /// decode_file() does.
  Expected<void> extract(const std::filesystem::path& location, const ClipRequest& clip, std::span<float> out) const;
  /// The same of a file that lies in memory; `name` is `where`, and helps to guess the format.
  Expected<void> extract(std::span<const std::byte> bytes, const std::string& name, const ClipRequest& clip,
                         std::span<float> out) const;

 private:
  Expected<void> extract(const Expected<Waveform>& clip, const std::string& where, std::span<float> out) const;

  const FeatureSet& set_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<FeatureSet::Scratch>> free_;
};

}  // namespace genrewise
