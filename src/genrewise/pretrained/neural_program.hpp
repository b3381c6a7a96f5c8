// The program genrewise-neural, which has libtorch and HDF5; libraries start it as a child process.
#pragma once

#include <filesystem>
#include <string>

namespace genrewise {

inline constexpr const char* kNeuralProgram = "genrewise-neural";

/// Where genrewise-neural is: $GENREWISE_NEURAL_PROGRAM, else beside this program, in ../libexec/genrewise from there,
/// or in PATH; empty: nowhere. Throws Error when the variable names something that cannot be executed.
std::filesystem::path find_neural_program();

/// The same. Throws Error where it is missing: `need` cannot be done without it ("training a network needs"), and how
/// to get it; `where` and `otherwise` (another way, may be empty) complete the message.
std::filesystem::path require_neural_program(const std::string& need, const std::string& where,
                                             const std::string& otherwise = {});

}  // namespace genrewise
