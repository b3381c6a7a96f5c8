// Loops over the threads of the current Runtime.
#pragma once

#include <cstddef>
#include <functional>

namespace genrewise {

/// Runtime::current().threads(). Modules that use a threaded library (BLAS, libtorch) follow it.
int thread_budget();

/// Calls body(index, worker) once for each index in [0, count), on at most `threads` threads (0: the budget), in no
/// promised order; worker in [0, threads) names the thread, for scratch space; each has the caller's Runtime. Returns
/// when all are done. The first exception stops the loop and is rethrown; an interruption (Ctrl-C) throws Interrupted
/// between two items. A nested call runs on the calling thread alone, so that budgets never multiply.
void parallel_for(std::size_t count, const std::function<void(std::size_t index, int worker)>& body, int threads = 0);

/// True inside the body of a parallel_for() that runs on more than one thread: libraries with threads of their own
/// then use one.
bool inside_parallel_for();

}  // namespace genrewise
