// An option that cannot be followed.
#pragma once

#include "genrewise/base/error.hpp"

namespace genrewise {

/// Wrong usage: `where` is the option. Programs end with the exit code of wrong usage on it.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace genrewise
