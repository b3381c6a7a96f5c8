// Error type for wrong command-line usage.
#pragma once

#include "genrewise/base/error.hpp"

namespace genrewise {

/// Wrong usage; `where` is the option. Programs exit with code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace genrewise
