// Other programs (7-Zip, the package manager), run without a shell.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// Whether a program of that name lies in PATH.
bool program_exists(const std::string& name);

/// Runs command[0] (sought in PATH) in `folder` (empty: the current one) with nothing on standard input and the locale
/// C.UTF-8; hands on pieces of its standard output and standard error as they come. Returns its exit code (128 + signal
/// when it was killed). Throws Error when it cannot be started, and Interrupted on Ctrl-C, after it was told to end.
int run_process(const std::vector<std::string>& command, const std::filesystem::path& folder,
                const std::function<void(std::string_view output)>& on_output);

}  // namespace genrewise
