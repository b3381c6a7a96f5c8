#include "cli/program.hpp"

#include <fcntl.h>
#include <pty.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

extern char** environ;

namespace genrewise::testing {
namespace {

struct Descriptor {
  explicit Descriptor(int opened) : value(opened) {
    if (value < 0) throw std::runtime_error("cannot open a file for the program's output");
  }
  ~Descriptor() { ::close(value); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value;
};

int writable(const std::filesystem::path& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

pid_t start(const Arguments& arguments, int out, int err) {
  std::string program = bin_folder() / "genrewise";
  std::vector<char*> argv{program.data()};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  pid_t child = -1;
  const int failed = posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot start " + program);
  return child;
}

bool ended(pid_t child, int& status, int flags) {
  return ::waitpid(child, &status, flags) == child;
}

int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Ran run(const Arguments& arguments, int out, const std::function<void(pid_t, int& status)>& wait) {
  const TemporaryFolder folder;
  Ran ran;
  {
    const Descriptor err(writable(folder / "err"));
    int status = 0;
    const pid_t child = start(arguments, out, err.value);
    wait(child, status);
    ran.code = code_of(status);
  }
  ran.err = read_file(folder / "err");
  return ran;
}

void wait_for_end(pid_t child, int& status) {
  while (!ended(child, status, 0)) {
  }
}

Ran run_with_output(const Arguments& arguments, const std::function<void(pid_t, int& status)>& wait) {
  const TemporaryFolder folder;
  Ran ran;
  {
    const Descriptor out(writable(folder / "out"));
    ran = run(arguments, out.value, wait);
  }
  ran.out = read_file(folder / "out");
  return ran;
}

}  // namespace

Ran run_program(const Arguments& arguments) {
  return run_with_output(arguments, wait_for_end);
}

Ran run_program_into(const std::filesystem::path& output, const Arguments& arguments) {
  const Descriptor out(writable(output));
  return run(arguments, out.value, wait_for_end);
}

Ran run_program_unread(const Arguments& arguments) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  ::close(ends[0]);
  const Descriptor out(ends[1]);
  return run(arguments, out.value, wait_for_end);
}

Ran run_program_on_terminal(unsigned short columns, const Arguments& arguments) {
  int ours = -1, theirs = -1;
  const winsize size{.ws_row = 40, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  if (::openpty(&ours, &theirs, nullptr, nullptr, &size) != 0) throw std::runtime_error("no terminal");
  ::fcntl(ours, F_SETFD, FD_CLOEXEC);
  ::fcntl(theirs, F_SETFD, FD_CLOEXEC);
  const Descriptor reader(ours);
  Ran ran;
  pid_t child = -1;
  {
    const Descriptor terminal(theirs);
    child = start(arguments, terminal.value, terminal.value);
  }
  char bytes[4096];
  for (ssize_t got = 0; (got = ::read(reader.value, bytes, sizeof bytes)) > 0;) {
    ran.out.append(bytes, static_cast<std::size_t>(got));
  }
  int status = 0;
  wait_for_end(child, status);
  ran.code = code_of(status);
  return ran;
}

Ran run_program_and_signal(int signal, const Arguments& arguments, const std::function<bool()>& ready) {
  return run_with_output(arguments, [&](pid_t child, int& status) {
    while (!ready()) {
      if (ended(child, status, WNOHANG)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(child, signal);
    wait_for_end(child, status);
  });
}

}  // namespace genrewise::testing
