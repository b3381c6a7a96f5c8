#include "genrewise/storage/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise {
namespace {

constexpr int kPollMs = 200;  // longest delay until Ctrl-C is noticed

/// The environment with LC_ALL=C.UTF-8: messages in English, file names in UTF-8.
class Environment {
 public:
  Environment() {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      if (!std::string_view(*entry).starts_with("LC_ALL=")) pointers_.push_back(*entry);
    }
    pointers_.push_back(locale_);
    pointers_.push_back(nullptr);
  }
  char** get() { return pointers_.data(); }

 private:
  char locale_[15] = "LC_ALL=C.UTF-8";
  std::vector<char*> pointers_;
};

class Child {
 public:
  Child(const std::vector<std::string>& command, const std::filesystem::path& folder) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("cannot run the program", command.front());
    output_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    if (!folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const int code = ::posix_spawnp(&id_, arguments[0], &actions, nullptr, arguments.data(), Environment().get());
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (code == 0) return;
    ::close(output_);
    errno = code;
    throw_system_error("cannot run the program", command.front());
  }
  ~Child() {
    ::close(output_);
    if (id_ > 0) {
      ::kill(id_, SIGTERM);
      wait();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// The next piece of output; false at its end.
  bool read(std::string_view& piece) {
    for (;;) {
      throw_if_interrupted();
      pollfd waiting{.fd = output_, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, kPollMs) <= 0) continue;
      const ssize_t got = ::read(output_, buffer_.data(), buffer_.size());
      if (got < 0) continue;
      piece = {buffer_.data(), static_cast<std::size_t>(got)};
      return got > 0;
    }
  }

  int wait() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t id_ = 0;
  int output_ = -1;
  std::array<char, 1 << 16> buffer_;
};

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

int run_process(const std::vector<std::string>& command, const std::filesystem::path& folder,
                const std::function<void(std::string_view)>& on_output) {
  Child child(command, folder);
  for (std::string_view piece; child.read(piece);) on_output(piece);
  return child.wait();
}

}  // namespace genrewise
