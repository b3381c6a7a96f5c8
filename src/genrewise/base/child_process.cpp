#include "genrewise/base/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <string_view>
#include <thread>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPollMs = 200;                // longest delay until Ctrl-C is noticed
constexpr std::chrono::seconds kEnding{5};  // between SIGTERM and SIGKILL

/// The variables of this process, with these added or replaced.
std::vector<char*> environment_with(const std::vector<std::string>& changes) {
  std::vector<char*> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto is_replaced = [&](const std::string& change) {
      return text.starts_with(std::string_view(change).substr(0, change.find('=') + 1));
    };
    if (std::ranges::none_of(changes, is_replaced)) all.push_back(*entry);
  }
  for (const std::string& change : changes) all.push_back(const_cast<char*>(change.c_str()));
  all.push_back(nullptr);
  return all;
}

/// What posix_spawn() does in the child.
class SpawnActions {
 public:
  explicit SpawnActions(const ChildConfig& config) {
    posix_spawn_file_actions_init(&files_);
    for (int number = 0; number < 3; ++number) {
      if (config.streams[number] >= 0) {
        posix_spawn_file_actions_adddup2(&files_, config.streams[number], number);
      } else {
        posix_spawn_file_actions_addopen(&files_, number, "/dev/null", number == 0 ? O_RDONLY : O_WRONLY, 0);
      }
    }
    posix_spawn_file_actions_addclosefrom_np(&files_, 3);
    if (!config.folder.empty()) posix_spawn_file_actions_addchdir_np(&files_, config.folder.c_str());
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;

  int spawn(pid_t& id, char* const* arguments, char* const* environment) {
    return ::posix_spawnp(&id, arguments[0], &files_, &attributes_, arguments, environment);
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

bool transfer(ssize_t done, const WaitForSocket& wait, short events) {
  if (done < 0 && errno == EAGAIN) wait(events);
  return done > 0 || (done < 0 && (errno == EAGAIN || errno == EINTR));
}

void limit(int resource, rlim_t most) {
  const rlimit both{most, most};
  ::setrlimit(resource, &both);  // if it cannot be lowered, the parent's limit holds
}

}  // namespace

void Descriptor::reset(int number) {
  if (number_ >= 0) ::close(number_);
  number_ = number;
}

void open_standard_streams() noexcept {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    // open() returns the smallest free number, which is this one.
    [[maybe_unused]] const int opened = ::open("/dev/null", number == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
}

std::string to_string(const ChildEnd& end) {
  if (end.signal == 0) return fmt::format("ended with exit code {}", end.exit_code);
  return fmt::format("was ended by signal {} ({})", end.signal, ::strsignal(end.signal));
}

ChildProcess::ChildProcess(const ChildConfig& config) {
  std::vector<char*> arguments;
  for (const std::string& argument : config.command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int code = SpawnActions(config).spawn(id_, arguments.data(), environment_with(config.environment).data());
  if (code == 0) return;
  id_ = -1;
  errno = code;
  throw_system_error("cannot be started", config.command.front());
}

ChildProcess::~ChildProcess() {
  wait(std::chrono::milliseconds(0));
}

void ChildProcess::send_signal(int signal) const {
  if (id_ > 0) ::kill(id_, signal);
}

bool ChildProcess::reap(int flags) {
  int status = 0;
  const pid_t reaped = TEMP_FAILURE_RETRY(::waitpid(id_, &status, flags));
  if (reaped == 0) return false;
  if (reaped == id_) end_ = WIFEXITED(status) ? ChildEnd{WEXITSTATUS(status), 0} : ChildEnd{0, WTERMSIG(status)};
  id_ = -1;
  return true;
}

ChildEnd ChildProcess::wait(std::optional<std::chrono::milliseconds> grace) {
  if (grace) {
    const auto until = Clock::now() + *grace;
    while (id_ > 0 && !reap(WNOHANG) && Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    send_signal(SIGKILL);
  }
  while (id_ > 0) reap(0);
  return end_;
}

bool is_executable(const std::filesystem::path& path) {
  std::error_code failed;
  return std::filesystem::is_regular_file(path, failed) && ::access(path.c_str(), X_OK) == 0;
}

std::filesystem::path find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split_text(path != nullptr ? path : "/usr/bin:/bin", ':')) {
    const auto candidate = std::filesystem::path(folder) / name;
    if (!folder.empty() && is_executable(candidate)) return candidate;
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

bool send_all(int socket, std::span<const std::byte> bytes, const WaitForSocket& wait) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (!transfer(sent, wait, POLLOUT)) return false;
    if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool receive_all(int socket, std::span<std::byte> bytes, const WaitForSocket& wait) {
  while (!bytes.empty()) {
    const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (!transfer(got, wait, POLLIN)) return false;
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

void limit_memory(std::uint64_t memory_bytes) {
  std::ifstream statm("/proc/self/statm");  // in pages; the sixth number: data and stack
  std::uint64_t pages = 0;
  for (int i = 0; i < 6; ++i) statm >> pages;
  limit(RLIMIT_DATA, pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + memory_bytes);
  limit(RLIMIT_CORE, 0);
  ::prctl(PR_SET_DUMPABLE, 0);  // some systems pipe core dumps to a program, whatever their limit
}

void limit_processor_time(double more_s) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 2;  // both are rounded down
  rlimit both{};
  ::getrlimit(RLIMIT_CPU, &both);
  both.rlim_cur = std::min(both.rlim_max, static_cast<rlim_t>(std::min(1e9, std::ceil(seconds + more_s))));
  ::setrlimit(RLIMIT_CPU, &both);
}

}  // namespace genrewise
