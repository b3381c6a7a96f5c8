// Runs other programs (7-Zip, the package manager) without a shell.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// Whether PATH contains a program of this name.
bool program_exists(const std::string& name);

/// Runs command[0] (searched in PATH) in `folder` (empty: the current one) with empty standard input and the locale
/// C.UTF-8; passes its standard output and standard error to `on_output` in pieces. Returns the exit code (128 + signal
/// if it was killed). Throws Error if it cannot be started, and Interrupted on Ctrl-C, after terminating it.
int run_process(const std::vector<std::string>& command, const std::filesystem::path& folder,
                const std::function<void(std::string_view output)>& on_output);

}  // namespace genrewise
