// Descriptors 0, 1 and 2 of a program.
#pragma once

namespace genrewise {

/// Opens those of descriptors 0 to 2 that are closed; call it first in main(). Otherwise the next file that is opened
/// gets such a number, and what is printed is written into it. Standard input is then empty, writing to standard output
/// fails (so that lost results are noticed), and what is written to standard error is dropped.
void open_standard_streams() noexcept;

}  // namespace genrewise
