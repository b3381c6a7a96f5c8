// Runs other programs (7-Zip, the package manager) without a shell.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

bool is_executable(const std::filesystem::path& path);
/// Finds a program in PATH ("/usr/bin:/bin" if PATH is not set); empty if there is none. Empty entries of PATH, which
/// denote the current folder, are skipped.
std::filesystem::path find_program(const std::string& name);

/// Finds a program of this installation: the value of the environment variable `variable`, else beside this program, in
/// ../libexec/genrewise or ../bin from there, or in PATH; empty if there is none. Throws Error when the variable names
/// a file that is not executable.
std::filesystem::path find_own_program(const std::string& name, const char* variable);

/// Runs command[0] (searched in PATH) in `folder` (empty: the current one) with empty standard input and the locale
/// C.UTF-8; passes its standard output and standard error to `on_output` in pieces. Returns the exit code (128 + signal
/// if it was killed). Throws Error if it cannot be started, and Interrupted on Ctrl-C, after terminating it.
int run_process(const std::vector<std::string>& command, const std::filesystem::path& folder,
                const std::function<void(std::string_view output)>& on_output);

}  // namespace genrewise
