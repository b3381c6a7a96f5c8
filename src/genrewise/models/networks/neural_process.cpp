#include "genrewise/models/networks/neural_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>

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
    socket_.reset();
    wait_for_end();
    throw;
  }
}

NeuralProcess::~NeuralProcess() {
  socket_.reset();
  wait_for_end();
}

void NeuralProcess::start(const std::string& program) {
  std::array<int, 2> sockets{}, errors{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0)
    throw_system_error("cannot be started", program);
  socket_.reset(sockets[0]);
  const Descriptor childs_socket(sockets[1]);
  if (::pipe2(errors.data(), O_CLOEXEC) != 0) throw_system_error("cannot be started", program);
  errors_.reset(errors[0]);
  const Descriptor childs_errors(errors[1]);
  for (const int ours : {socket_.get(), errors_.get()}) ::fcntl(ours, F_SETFL, O_NONBLOCK);
  child_.emplace(ChildConfig{.command = {program, "serve"}, .streams = {sockets[1], sockets[1], errors[1]}});
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
  const std::string head = message_head(request, numbers.size(), kNeuralProtocol);
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
      socket_.reset();
      throw;
    }
    if (message.type() != "progress") return message;
    show(message.header, progress);
  }
}

void NeuralProcess::send(std::span<const std::byte> bytes) {
  if (!send_all(socket_.get(), bytes, [this](short events) { wait_for(events); })) fail();
}

void NeuralProcess::read(std::span<std::byte> bytes) {
  const auto start = Clock::now();
  const auto wait = [&](short events) {
    if (busy_) forward_interruption();
    wait_for(events);
    if (greeted_) return;
    throw_if_interrupted();
    if (Clock::now() - start > kGreeting) fail();
  };
  if (!receive_all(socket_.get(), bytes, wait)) fail();
}

void NeuralProcess::wait_for(short events) {
  std::array<pollfd, 2> waiting = {{{socket_.get(), events, 0}, {errors_.get(), POLLIN, 0}}};
  ::poll(waiting.data(), waiting.size(), kPollMs);
  drain_errors();
}

void NeuralProcess::drain_errors() {
  std::array<char, 4096> piece{};
  while (errors_.get() >= 0) {
    const ssize_t got = ::read(errors_.get(), piece.data(), piece.size());
    if (got > 0) {
      last_errors_.append(piece.data(), static_cast<std::size_t>(got));
      if (last_errors_.size() > 2 * kKeptErrors) last_errors_.erase(0, last_errors_.size() - kKeptErrors);
    } else {
      if (got == 0) errors_.reset();
      return;
    }
  }
}

void NeuralProcess::forward_interruption() {
  if (stop_sent_ || !must_stop()) return;
  stop_sent_ = true;
  const std::string head = message_head({{"type", "interrupt"}}, 0, kNeuralProtocol);
  send(std::as_bytes(std::span(head)));
}

void NeuralProcess::fail() {
  const bool stopping = must_stop();
  socket_.reset();
  const ChildEnd ended = wait_for_end();
  if (stopping) throw Interrupted();  // Ctrl-C in a terminal also reaches a child that is still starting
  std::string output = last_errors_.substr(last_errors_.size() - std::min(last_errors_.size(), kKeptErrors));
  while (output.ends_with('\n')) output.pop_back();
  throw Error(fmt::format("the program genrewise-neural {}{}{}", to_string(ended),
                          output.empty() ? "" : "; the end of its error output: ", output),
              {},
              ended.signal == SIGKILL ? "memory may have run out: use a smaller batch_size or fewer threads"
              : ended.signal == 0     ? "correct the reported cause, and start the same command again"
                                      : "start the same command again; if it happens again, please report it");
}

/// Reaps the child, which ends when the connection is closed.
ChildEnd NeuralProcess::wait_for_end() {
  const ChildEnd end = child_ ? child_->wait(kEnding) : ChildEnd{};
  drain_errors();
  errors_.reset();
  return end;
}

}  // namespace genrewise
