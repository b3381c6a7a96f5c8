// Where tensors live, and how many threads libtorch may use. Private to the neural room.
#pragma once

#include <functional>
#include <string>

namespace genrewise::neural {

/// "cpu" or "cuda:N": as the current Runtime says. Throws Error for a GPU that is not there, saying why.
std::string chosen_device();

/// Gives libtorch our thread budget (its own default may be one); one thread for small layers, where threads would wait
/// for each other more than they work, and inside a parallel_for().
void follow_thread_budget(bool small_layers);

/// Calls the body; libtorch's own exceptions become Error. Memory that cannot be had says so, with `remedy`.
void guarded(const std::string& where, const std::string& remedy, const std::function<void()>& body);

}  // namespace genrewise::neural
