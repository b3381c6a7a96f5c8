/// @file
/// Feature sets: named, versioned recipes that turn a clip into a row of numbers.
/// @code
/// const auto set = make_feature_set("fma518");  // pretrained/feature_sets.hpp
/// const auto scratch = set->make_scratch();
/// const Expected<void> done = set->extract(clip, row, *scratch);
/// @endcode
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/error.hpp"

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

/// One recipe. Immutable and thread-safe: threads share the object, and each has its own Scratch.
class FeatureSet {
 public:
  /// Work memory of one thread, reused between calls so that nothing is allocated per frame.
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };

  virtual ~FeatureSet() = default;
  virtual const FeatureRecipe& recipe() const = 0;
  virtual const std::vector<FeatureColumn>& columns() const = 0;
  std::size_t size() const { return columns().size(); }
  /// Required sample rate of the waveform; 0: any (the file's own).
  virtual int sample_rate_hz() const = 0;
  virtual std::unique_ptr<Scratch> make_scratch() const = 0;
  /// Writes size() finite numbers to `out`. Faults: "too short" (with the required length), "wrong sample rate".
  virtual Expected<void> extract(const Waveform& clip, std::span<float> out, Scratch& scratch) const = 0;
};

}  // namespace genrewise
