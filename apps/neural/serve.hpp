// genrewise-neural serve: fits and applies networks for another process.
#pragma once

namespace genrewise {

/// Reads requests from the socket on standard input and writes replies to the one on standard output
/// (models/networks/messages.hpp) until the connection is closed; then the process ends immediately. Everything printed
/// by libraries goes to standard error. Signals are handled by the other process, which forwards interruptions.
[[noreturn]] void serve();

}  // namespace genrewise
