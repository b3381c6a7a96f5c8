// genrewise-neural serve: fits and applies networks for another process.
#pragma once

namespace genrewise {

/// Reads requests from standard input and answers on standard output (models/networks/messages.hpp) until the
/// connection ends; then the process ends at once, whatever it is doing. Everything that is printed meanwhile goes to
/// standard error. Signals to stop are left to the other process, which passes them on.
[[noreturn]] void serve();

}  // namespace genrewise
