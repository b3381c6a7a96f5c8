// Runs the built program as a user does.
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

/// The same, with its standard output closed by the reader.
Ran run_program_unread(const Arguments& arguments);

/// The same on a terminal of that many columns; `out` is all that the terminal received.
Ran run_program_on_terminal(unsigned short columns, const Arguments& arguments);

/// The same; the program receives the signal when `ready`, which is called again and again, returns true.
Ran run_program_and_signal(int signal, const Arguments& arguments, const std::function<bool()>& ready);

}  // namespace genrewise::testing
