#include "genrewise/models/neural/training/device.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <malloc.h>

#include <new>

#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise::neural {

std::string chosen_device() {
  const std::string requested = Runtime::current().device();
  const bool gpu = at::hasCUDA();
  if (requested == "cpu" || (requested == "auto" && !gpu)) return "cpu";
  if (!gpu)
    throw Error("there is no GPU that this program's libtorch can use", "--device " + requested,
                "use --device cpu, or build genrewise with a libtorch that has CUDA, on a machine with a GPU and its "
                "driver");
  const std::size_t number = requested.starts_with("cuda:") ? std::stoul(requested.substr(5)) : 0;
  if (number >= at::getNumGPUs())
    throw Error(fmt::format("there are {} GPUs, counted from 0", at::getNumGPUs()), "--device " + requested);
  return fmt::format("cuda:{}", number);
}

void follow_thread_budget(bool one_libtorch_thread) {
  const int threads = one_libtorch_thread || inside_parallel_for() ? 1 : thread_budget();
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
}

void keep_freed_memory() {
  ::mallopt(M_MMAP_MAX, 0);  // large blocks come from the heap as well
  ::mallopt(M_TRIM_THRESHOLD, -1);
}

void guarded(const std::string& where, const std::string& remedy, const std::function<void()>& body) {
  try {
    body();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Error("not enough memory", where, remedy);
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    const bool memory = text.find("out of memory") != std::string::npos ||
                        text.find("allocate memory") != std::string::npos ||
                        text.find("Storage size calculation overflowed") != std::string::npos;
    if (memory) throw Error("not enough memory", where, remedy);
    throw Error("libtorch failed: " + text.substr(0, text.find('\n')), where);
  }
}

}  // namespace genrewise::neural
