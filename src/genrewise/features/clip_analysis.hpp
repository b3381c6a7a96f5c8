/// @file
/// A clip, and what several feature sets compute from it in common.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <typeindex>
#include <utility>

#include "genrewise/audio/waveform.hpp"

namespace genrewise {

/// A decoded clip with its samples at other rates, spectra and other intermediate results: each is computed when a
/// feature set first asks for it and serves all others, so the numbers of a set do not depend on which sets were
/// extracted before it. For one thread at a time. Memory is reused for the next clip.
class ClipAnalysis {
 public:
  ClipAnalysis() = default;
  explicit ClipAnalysis(const Waveform& clip) { begin(clip); }

  /// Starts with another clip, which must exist until the last extraction from it.
  void begin(const Waveform& clip);

  const Waveform& waveform() const { return *clip_; }
  /// The clip, resampled unless it has this rate; 0: at its own.
  const Waveform& at_rate(int sample_rate_hz);
  /// Number of the current clip: changes with every begin().
  std::uint64_t number() const { return number_; }

  /// Work memory of this type, which no nested extraction may use; its content is that of its last use.
  template <class Memory>
  Memory& memory() {
    return slot<Memory>({}).value;
  }

  /// The result of `compute(Result&)` for this clip. `key`: with the type, everything besides the clip that determines
  /// it. The object may hold the result of an earlier clip when `compute` is called.
  template <class Result, class Compute>
  Result& once(const std::string& key, const Compute& compute) {
    Slot<Result>& kept = slot<Result>(key);
    if (kept.number != number_) {
      kept.number = 0;
      compute(kept.value);
      kept.number = number_;
    }
    return kept.value;
  }

 private:
  struct AnySlot {
    virtual ~AnySlot() = default;
    std::uint64_t number = 0;  // of the clip whose result it holds
  };
  template <class Value>
  struct Slot final : AnySlot {
    Value value{};
  };
  template <class Value>
  Slot<Value>& slot(const std::string& key) {
    auto& found = slots_[{typeid(Value), key}];
    if (!found) found = std::make_unique<Slot<Value>>();
    return static_cast<Slot<Value>&>(*found);
  }

  const Waveform* clip_ = nullptr;
  std::uint64_t number_ = 0;
  std::map<std::pair<std::type_index, std::string>, std::unique_ptr<AnySlot>> slots_;
};

}  // namespace genrewise
