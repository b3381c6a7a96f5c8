// Other programs (7-Zip, the package manager), run without a shell.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// Whether a path names a file that this user may execute.
bool is_executable(const std::filesystem::path& path);
/// The program of that name in PATH ("/usr/bin:/bin" where PATH is not set); empty: there is none. Empty entries of
/// PATH, which stand for the current folder, are passed over.
std::filesystem::path find_program(const std::string& name);

/// Runs command[0] (sought in PATH) in `folder` (empty: the current one) with nothing on standard input and the locale
/// C.UTF-8; hands on pieces of its standard output and standard error as they come. Returns its exit code (128 + signal
/// when it was killed). Throws Error when it cannot be started, and Interrupted on Ctrl-C, after it was told to end.
int run_process(const std::vector<std::string>& command, const std::filesystem::path& folder,
                const std::function<void(std::string_view output)>& on_output);

}  // namespace genrewise
