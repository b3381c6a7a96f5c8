// Named, versioned recipes: clip -> numbers.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {

/// What identifies a recipe; tables, shards and models carry it, and mixing two is an Error.
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

/// One recipe, ready to work. Immutable: one object serves all threads, each with a scratch of its own.
class FeatureSet {
 public:
  /// Whatever a thread needs again and again, so that nothing is allocated per frame.
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };

  virtual ~FeatureSet() = default;
  virtual const FeatureRecipe& recipe() const = 0;
  virtual const std::vector<FeatureColumn>& columns() const = 0;
  std::size_t size() const { return columns().size(); }
  /// The rate that the waveform must have; 0: the file's own.
  virtual int sample_rate_hz() const = 0;
  virtual std::unique_ptr<Scratch> make_scratch() const = 0;
  /// Writes size() finite numbers. Faults: "too short" (with the length that it takes), "wrong sample rate".
  virtual Expected<void> extract(const Waveform& clip, std::span<float> out, Scratch& scratch) const = 0;
};

}  // namespace genrewise
