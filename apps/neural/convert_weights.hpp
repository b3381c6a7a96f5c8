// genrewise-neural convert-weights IN OUT.
#pragma once

#include <filesystem>

namespace genrewise {

/// Converts Keras weights (HDF5) to the format of find_weights(), with limits on this process's memory and CPU time,
/// because the file is untrusted. Returns the exit code; on failure the last line on standard output is the error as
/// JSON: {"problem", "where", "remedy"}.
int convert_weights(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace genrewise
