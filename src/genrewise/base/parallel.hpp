// Parallel loops on the threads of the current Runtime.
#pragma once

#include <cstddef>
#include <functional>

namespace genrewise {

/// Runtime::current().threads(); also the limit for threaded libraries (BLAS, libtorch).
int thread_budget();

/// Calls body(index, worker) once for each index in [0, count), on at most `threads` threads (0: thread_budget()), in
/// unspecified order. `worker` in [0, threads) identifies the thread, for scratch space; every thread has the caller's
/// Runtime. Returns when all calls are done. The first exception stops the loop and is rethrown; an interrupt (Ctrl-C)
/// throws Interrupted between two items. A nested call runs on the calling thread only, so thread counts never
/// multiply.
void parallel_for(std::size_t count, const std::function<void(std::size_t index, int worker)>& body, int threads = 0);

/// True inside the body of a parallel_for() that runs on more than one thread; libraries with their own threads should
/// then use one.
bool inside_parallel_for();

}  // namespace genrewise
