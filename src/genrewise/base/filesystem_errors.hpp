// Errors of std::filesystem as Error.
#pragma once

#include <filesystem>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// The paths of the failed call, the system's message and a remedy. Programs use it where they report errors, because
/// any call of std::filesystem without an error code may throw.
Error to_error(const std::filesystem::filesystem_error& error);

}  // namespace genrewise
