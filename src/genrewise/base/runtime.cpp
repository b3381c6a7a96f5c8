#include "genrewise/base/runtime.hpp"

#include <sched.h>

#include <algorithm>
#include <string_view>
#include <thread>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise {
namespace {

static_assert(std::atomic<bool>::is_always_lock_free, "needed in signal handlers");

thread_local Runtime* bound = nullptr;

int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

bool is_numbered_gpu(std::string_view device) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!device.starts_with(kPrefix)) return false;
  const std::string_view number = device.substr(kPrefix.size());
  return !number.empty() && number.size() <= 3 &&
         std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Runtime::Runtime(RuntimeConfig config)
    : threads_(available_processors()),
      weights_(std::move(config.weights)),
      progress_(config.progress != nullptr ? config.progress : &silent_) {
  if (config.threads != 0) set_threads(config.threads);
  set_device(config.device);
}

Runtime::~Runtime() {
  while (!owners_.empty()) owners_.pop_back();
}

void Runtime::set_threads(int count) {
  if (count < 1) throw Error("the number of threads must be at least 1", "--threads", "give a number of 1 or more");
  threads_.store(count, std::memory_order_relaxed);
}

void Runtime::set_device(const std::string& device) {
  if (device != "auto" && device != "cpu" && device != "cuda" && !is_numbered_gpu(device))
    throw Error("unknown device '" + device + "'", "--device", "give auto, cpu, cuda or cuda:N");
  device_ = device;
}

void Runtime::throw_if_interrupted() const {
  if (interrupt_requested() && held_.load(std::memory_order_relaxed) == 0) throw Interrupted();
}

Runtime& Runtime::current() noexcept {
  if (bound != nullptr) return *bound;
  static Runtime process_default;
  return process_default;
}

UseRuntime::UseRuntime(Runtime& runtime) noexcept : before_(bound) {
  bound = &runtime;
}

UseRuntime::~UseRuntime() {
  bound = before_;
}

void request_interrupt() noexcept {
  Runtime::current().request_interrupt();
}
void clear_interrupt() noexcept {
  Runtime::current().clear_interrupt();
}
bool interrupt_requested() noexcept {
  return Runtime::current().interrupt_requested();
}
void throw_if_interrupted() {
  Runtime::current().throw_if_interrupted();
}

HoldInterrupts::HoldInterrupts() noexcept : runtime_(Runtime::current()) {
  runtime_.held_.fetch_add(1, std::memory_order_relaxed);
}
HoldInterrupts::~HoldInterrupts() {
  runtime_.held_.fetch_sub(1, std::memory_order_relaxed);
}

void sleep_unless_interrupted(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  for (auto now = end - time; now < end; now = std::chrono::steady_clock::now()) {
    throw_if_interrupted();
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(end - now, std::chrono::milliseconds(100)));
  }
}

}  // namespace genrewise
