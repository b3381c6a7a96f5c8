#include "genrewise/models/networks/neural_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/pretrained/neural_program.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kPollMs = 100;                       // longest delay before a Ctrl-C is noticed
constexpr std::chrono::seconds kGreeting{120};     // loading libtorch from a slow disk takes long
constexpr std::chrono::milliseconds kEnding{500};  // between closing the connection and SIGKILL
constexpr std::size_t kKeptErrors = 2000;          // bytes of standard error in a crash's error message

bool must_stop() {
  try {
    throw_if_interrupted();
    return false;
  } catch (const Interrupted&) {
    return true;
  }
}

void show(const json& report, Progress* progress) {
  if (progress == nullptr) return;
  const std::string what = report.value("what", "");
  if (what == "begin")
    progress->begin(report.value("task", ""), report.value("unit", ""), report.value("total", std::uint64_t{0}),
                    report.value("done", std::uint64_t{0}));
  if (what == "advance") progress->advance(report.value("units", std::uint64_t{0}));
  if (what == "detail") progress->detail(report.value("text", ""));
  if (what == "finish") progress->finish();
  if (what == "note") progress->note(report.value("text", ""));
}

}  // namespace

NeuralProcess::NeuralProcess(const std::string& need) {
  const std::string program = require_neural_program(need, {}).string();
  start(program);
  try {
    greet(program);
  } catch (...) {
    close_connection();
    wait_for_end();
    throw;
  }
}

NeuralProcess::~NeuralProcess() {
  close_connection();
  wait_for_end();
}

void NeuralProcess::start(const std::string& program) {
  std::array<int, 2> sockets{}, errors{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0)
    throw_system_error("cannot be started", program);
  if (::pipe2(errors.data(), O_CLOEXEC) != 0) {
    for (const int end : sockets) ::close(end);
    throw_system_error("cannot be started", program);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, sockets[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, sockets[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
  std::string name = program, verb = "serve";
  const std::array<char*, 3> arguments = {name.data(), verb.data(), nullptr};
  const int code = ::posix_spawn(&id_, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(sockets[1]);
  ::close(errors[1]);
  socket_ = sockets[0];
  errors_ = errors[0];
  ::fcntl(socket_, F_SETFL, O_NONBLOCK);
  ::fcntl(errors_, F_SETFL, O_NONBLOCK);
  if (code == 0) return;
  id_ = -1;
  close_connection();
  errno = code;
  throw_system_error("cannot be started", program);
}

void NeuralProcess::greet(const std::string& program) {
  const NeuralMessage hello = receive(nullptr);
  if (hello.type() != "hello")
    throw Error("does not greet as genrewise-neural does", program, "check GENREWISE_NEURAL_PROGRAM");
  greeted_ = true;
}

NeuralMessage NeuralProcess::call(const json& request, std::span<const float> numbers, Progress* progress) {
  if (!alive()) throw Error("the program genrewise-neural has ended", {}, "fit the network again");
  busy_ = true;
  stop_sent_ = false;
  const std::string head = message_head(request, numbers.size());
  send(std::as_bytes(std::span(head)));
  send(std::as_bytes(numbers));
  NeuralMessage reply = receive(progress);
  busy_ = false;
  if (reply.type() == "error") throw_error_message(reply.header);
  return reply;
}

NeuralMessage NeuralProcess::receive(Progress* progress) {
  for (;;) {
    NeuralMessage message;
    try {
      message = read_message([this](std::span<std::byte> bytes) { read(bytes); });
    } catch (...) {
      close_connection();
      throw;
    }
    if (message.type() != "progress") return message;
    show(message.header, progress);
  }
}

void NeuralProcess::send(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      wait_for(POLLOUT);
    } else if (errno != EINTR) {
      fail();
    }
  }
}

void NeuralProcess::read(std::span<std::byte> bytes) {
  const auto start = Clock::now();
  while (!bytes.empty()) {
    if (busy_) forward_interruption();
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (got > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    } else if (got < 0 && errno == EAGAIN) {
      wait_for(POLLIN);
      if (greeted_) continue;
      throw_if_interrupted();
      if (Clock::now() - start > kGreeting) fail();
    } else if (got == 0 || errno != EINTR) {
      fail();
    }
  }
}

void NeuralProcess::wait_for(short events) {
  std::array<pollfd, 2> waiting = {{{socket_, events, 0}, {errors_, POLLIN, 0}}};
  ::poll(waiting.data(), errors_ < 0 ? 1 : 2, kPollMs);
  drain_errors();
}

void NeuralProcess::drain_errors() {
  std::array<char, 4096> piece{};
  while (errors_ >= 0) {
    const ssize_t got = ::read(errors_, piece.data(), piece.size());
    if (got > 0) {
      last_errors_.append(piece.data(), static_cast<std::size_t>(got));
      if (last_errors_.size() > 2 * kKeptErrors) last_errors_.erase(0, last_errors_.size() - kKeptErrors);
    } else {
      if (got == 0) {
        ::close(errors_);
        errors_ = -1;
      }
      return;
    }
  }
}

void NeuralProcess::forward_interruption() {
  if (stop_sent_ || !must_stop()) return;
  stop_sent_ = true;
  const std::string head = message_head({{"type", "interrupt"}}, 0);
  send(std::as_bytes(std::span(head)));
}

void NeuralProcess::fail() {
  const bool stopping = must_stop();
  close_connection();
  const Ended ended = wait_for_end();
  if (stopping) throw Interrupted();  // Ctrl-C in a terminal also reaches a child that is still starting
  std::string output = last_errors_.substr(last_errors_.size() - std::min(last_errors_.size(), kKeptErrors));
  while (output.ends_with('\n')) output.pop_back();
  throw Error(fmt::format("the program genrewise-neural {}{}{}", ended.how,
                          output.empty() ? "" : "; the end of its error output: ", output),
              {},
              ended.signal == SIGKILL ? "memory may have run out: use a smaller batch_size or fewer threads"
                                      : "start the same command again; if it happens again, please report it");
}

void NeuralProcess::close_connection() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

/// Reaps the child, which ends when the connection is closed.
NeuralProcess::Ended NeuralProcess::wait_for_end() {
  Ended ended{"closed the connection", 0};
  for (const auto start = Clock::now(); id_ > 0;) {
    int status = 0;
    const pid_t reaped = ::waitpid(id_, &status, WNOHANG);
    if (reaped == 0 && Clock::now() - start <= kEnding) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    if (reaped == 0) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, &status, 0);
    } else if (reaped == id_ && WIFEXITED(status)) {
      ended.how = fmt::format("ended with exit code {}", WEXITSTATUS(status));
    } else if (reaped == id_ && WIFSIGNALED(status)) {
      ended.signal = WTERMSIG(status);
      ended.how = fmt::format("was ended by signal {} ({})", ended.signal, ::strsignal(ended.signal));
    }
    id_ = -1;
  }
  drain_errors();
  if (errors_ >= 0) ::close(errors_);
  errors_ = -1;
  return ended;
}

}  // namespace genrewise
