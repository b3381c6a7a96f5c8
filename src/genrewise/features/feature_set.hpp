/// @file
/// Feature sets: named, versioned recipes that turn a clip into a row of numbers.
/// @code
/// const auto set = make_feature_set("fma518");  // pretrained/feature_sets.hpp
/// std::vector<float> row(set->size());
/// const Expected<void> done = set->extract(clip, row);
/// @endcode
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/features/clip_analysis.hpp"

namespace genrewise {

/// Identity of a recipe, stored in tables, packs and models. Mixing two recipes is an Error.
struct FeatureRecipe {
  std::string name;  ///< "fma518"
  int version = 0;
  std::string hash;  ///< SHA-256 of the canonical text of every parameter
  friend bool operator==(const FeatureRecipe&, const FeatureRecipe&) = default;
};

/// A column's three header cells in FMA's features.csv: ("mfcc", "mean", "01").
struct FeatureColumn {
  std::string feature, statistic, number;
  friend bool operator==(const FeatureColumn&, const FeatureColumn&) = default;
};

/// One recipe. Immutable and thread-safe: threads share the object, and each has its own ClipAnalysis.
class FeatureSet {
 public:
  virtual ~FeatureSet() = default;
  virtual const FeatureRecipe& recipe() const = 0;
  virtual const std::vector<FeatureColumn>& columns() const = 0;
  std::size_t size() const { return columns().size(); }
  /// The rate to which clips are resampled; 0: none, the set uses the clip's own rate.
  virtual int sample_rate_hz() const = 0;
  /// Writes size() finite numbers to `out`. Faults: "too short" (with the required length), "wrong sample rate".
  virtual Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const = 0;
  Expected<void> extract(const Waveform& clip, std::span<float> out) const {
    ClipAnalysis analysis(clip);
    return extract(analysis, out);
  }
};

/// Descriptor of a feature set, available without making it, which may have to read the weights of a network.
struct FeatureSetDescriptor {
  std::string name;                       ///< "fma518"
  std::string title;                      ///< a few words, for listings
  std::string summary;                    ///< one line
  std::size_t columns = 0;                ///< numbers per clip
  std::string shape = {};                 ///< their layout: "224 bands x 224 frames"; empty: a plain vector
  int sample_rate_hz = 0;                 ///< clips are resampled to it; 0: the file's own
  std::string takes = {};                 ///< requirements on the clip: "at least 10,000 samples"
  std::vector<std::string> weights = {};  ///< pretrained networks whose weights it reads
  std::function<std::unique_ptr<FeatureSet>()> make = {};
};

// For implementing feature sets, also in modules above this one:

/// Recipe whose hash is the SHA-256 of `name version\n` + parameters. `parameters` is the canonical text of everything
/// that affects the resulting numbers.
FeatureRecipe make_recipe(std::string name, int version, const std::string& parameters);

/// `value` in decimal, padded with leading zeros to `width` digits.
std::string zero_padded(std::size_t value, int width);

/// Fault "too short" with the actual and the required length.
tl::unexpected<Fault> too_short(const Waveform& clip, std::size_t samples_needed);

/// A feature set that stores its properties.
class StoredFeatureSet : public FeatureSet {
 public:
  const FeatureRecipe& recipe() const final { return recipe_; }
  const std::vector<FeatureColumn>& columns() const final { return columns_; }
  int sample_rate_hz() const final { return sample_rate_hz_; }

 protected:
  explicit StoredFeatureSet(FeatureRecipe recipe = {}, std::vector<FeatureColumn> columns = {}, int sample_rate_hz = 0)
      : recipe_(std::move(recipe)), columns_(std::move(columns)), sample_rate_hz_(sample_rate_hz) {}
  FeatureRecipe recipe_;
  std::vector<FeatureColumn> columns_;

 private:
  int sample_rate_hz_;
};

}  // namespace genrewise
