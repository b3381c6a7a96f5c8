// The device of tensors and libtorch's number of threads. Private to this module.
#pragma once

#include <functional>
#include <string>

namespace genrewise::neural {

/// "cpu" or "cuda:N", from the current Runtime. Throws Error, with the reason, for a GPU that is not available.
std::string chosen_device();

/// Sets libtorch's thread count to the thread budget (its own default may be one), or to one: where the network asks
/// for that (NetworkKind), and inside a parallel_for().
void follow_thread_budget(bool one_libtorch_thread);

/// From now on, the process keeps freed memory instead of returning it to the system: the tensors of a step take
/// hundreds of MB, and getting them anew for every step costs more than many layers' arithmetic.
void keep_freed_memory();

/// Calls the body and converts libtorch's exceptions to Error; out-of-memory errors carry `remedy`.
void guarded(const std::string& where, const std::string& remedy, const std::function<void()>& body);

}  // namespace genrewise::neural
