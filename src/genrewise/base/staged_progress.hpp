// Progress of work that consists of several stages.
#pragma once

#include <cstddef>

#include "genrewise/base/progress.hpp"

namespace genrewise {

/// A display that also shows the stages of long work, where they are reported (Stages in study/stages.hpp).
class StagedProgress : public Progress {
 public:
  /// The tasks until the next call are stage `number` of `count`. Expected seconds of this stage and of those after it;
  /// `after_s` is negative if unknown.
  virtual void stage(std::size_t number, std::size_t count, double this_s, double after_s) = 0;
};

}  // namespace genrewise
