#include "genrewise/storage/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise {
namespace {

constexpr int kPollMs = 200;                // longest delay until Ctrl-C is noticed
constexpr std::chrono::seconds kEnding{5};  // between SIGTERM and SIGKILL

}  // namespace

bool is_executable(const std::filesystem::path& path) {
  std::error_code failed;
  return std::filesystem::is_regular_file(path, failed) && ::access(path.c_str(), X_OK) == 0;
}

std::filesystem::path find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    std::filesystem::path candidate = std::filesystem::path(rest.substr(0, colon)) / name;
    if (colon > 0 && is_executable(candidate)) return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return {};
}

std::filesystem::path find_own_program(const std::string& name, const char* variable) {
  if (const char* given = std::getenv(variable); given != nullptr && *given != '\0') {
    if (is_executable(given)) return given;
    throw Error(std::string(variable) + " is not an executable program", given, "set it to " + name + ", or unset it");
  }
  std::error_code failed;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
  if (!failed) {
    const auto above = folder.parent_path();
    for (const auto& candidate : {folder / name, above / "libexec" / "genrewise" / name, above / "bin" / name})
      if (is_executable(candidate)) return candidate;
  }
  return find_program(name);
}

int run_process(const std::vector<std::string>& command, const std::filesystem::path& folder,
                const std::function<void(std::string_view)>& on_output) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("cannot run the program", command.front());
  const Descriptor output(ends[0]);
  Descriptor childs(ends[1]);
  ChildProcess process(
      {.command = command, .streams = {-1, ends[1], ends[1]}, .folder = folder, .environment = {"LC_ALL=C.UTF-8"}});
  childs.reset();
  std::vector<char> buffer(1 << 16);
  try {
    for (;;) {
      throw_if_interrupted();
      pollfd waiting{.fd = output.get(), .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, kPollMs) <= 0) continue;
      const ssize_t got = ::read(output.get(), buffer.data(), buffer.size());
      if (got == 0) break;
      if (got > 0) on_output({buffer.data(), static_cast<std::size_t>(got)});
    }
  } catch (...) {
    process.send_signal(SIGTERM);
    process.wait(kEnding);
    throw;
  }
  const ChildEnd end = process.wait();
  return end.signal == 0 ? end.exit_code : 128 + end.signal;
}

}  // namespace genrewise
