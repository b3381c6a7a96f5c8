/// @file
/// Stages of long work: which one runs, how long all that remain are expected to take, and what each took.
/// @code
/// Stages stages({{"features fma518", 41}, {"svm-rbf", 12}}, progress);
/// stages.enter("features fma518");
/// @endcode
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/base/stopwatch.hpp"

namespace genrewise {

struct StageExpectation {
  std::string name;
  double expected_s = -1;  ///< negative: unknown
};

/// The stages of one job, entered in any order and possibly several times. Not thread-safe.
class Stages {
 public:
  Stages(std::vector<StageExpectation> expected, Progress& progress);

  /// Ends the current stage and starts another one, which is added if it was not expected.
  void enter(std::string_view name);
  /// Ends the current stage.
  void leave();
  /// "stages" of results.json: [{"stage", "seconds", "peak_memory_bytes"}], those that were entered, in their order.
  /// The peak is that of this process up to the end of the stage.
  nlohmann::json json() const;

 private:
  struct Stage {
    StageExpectation expected;
    double seconds = 0;
    std::uint64_t peak_memory_bytes = 0;
    bool entered = false;
  };
  double expected_after(std::size_t index) const;

  std::vector<Stage> stages_;
  Progress& progress_;
  std::size_t current_;  // stages_.size(): none
  Stopwatch watch_;
};

}  // namespace genrewise
