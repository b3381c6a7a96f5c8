// Location of the program genrewise-neural, which has libtorch and HDF5; libraries start it as a child process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace genrewise {

inline constexpr const char* kNeuralProgram = "genrewise-neural";

/// Limits of `genrewise-neural convert-weights`, because HDF5 is not hardened against damaged files: memory besides
/// what it has when it starts, and processor time (twice as much of wall-clock time). The largest known file has 10 MB.
inline constexpr std::uint64_t kConversionMemoryBytes = std::uint64_t{1} << 30;
inline constexpr unsigned kConversion_s = 20;

/// The path of genrewise-neural: $GENREWISE_NEURAL_PROGRAM, else beside this program, in ../libexec/genrewise from
/// there, or in PATH; empty if not found. Throws Error when the variable names a file that is not executable.
std::filesystem::path find_neural_program();

/// The same, but throws Error where it is missing, with how to install it: `need` begins the message ("training a
/// network needs"); `where` and `otherwise` (an alternative, may be empty) complete it.
std::filesystem::path require_neural_program(const std::string& need, const std::string& where,
                                             const std::string& otherwise = {});

}  // namespace genrewise
