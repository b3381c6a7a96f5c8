// Runs the built program as a person would.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace genrewise::testing {

struct Ran {
  int code = -1;         ///< exit code; 128 + signal when it was killed
  std::string out, err;  ///< standard output and error
};

using Arguments = std::vector<std::string>;

/// `genrewise ARGUMENTS...`, to its end.
Ran run_program(const Arguments& arguments);

/// The same, with its standard output into a file or device.
Ran run_program_into(const std::filesystem::path& output, const Arguments& arguments);

/// The same, with nobody reading its standard output.
Ran run_program_unread(const Arguments& arguments);

/// The same; when `ready` (asked again and again) says so, the program gets the signal.
Ran run_program_and_signal(int signal, const Arguments& arguments, const std::function<bool()>& ready);

}  // namespace genrewise::testing
