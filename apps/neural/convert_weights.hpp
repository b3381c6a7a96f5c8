// genrewise-neural convert-weights IN OUT.
#pragma once

#include <filesystem>

namespace genrewise {

/// Converts Keras' weights in HDF5 to what find_weights() reads, with limits of memory and of processor time on this
/// process, since the file may come from anybody. Returns the exit code; on failure the last line on standard output is
/// the error as JSON: {"problem", "where", "remedy"}.
int convert_weights(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace genrewise
