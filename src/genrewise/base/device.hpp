// Which processor networks shall work on, as the person said it.
#pragma once

#include <string>

namespace genrewise {

/// "auto" (a GPU where there is one), "cpu", "cuda" or "cuda:N"; the neural half follows it. "auto" until it is set.
std::string requested_device();
/// Throws Error for another word.
void set_requested_device(const std::string& device);

}  // namespace genrewise
