// The program genrewise-neural as a child process.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/progress.hpp"
#include "genrewise/models/networks/messages.hpp"

namespace genrewise {

/// One running `genrewise-neural serve`, which exchanges messages with this process over a socket. The child ends when
/// the connection closes: when this object is destroyed, and when this process dies. Not thread-safe.
class NeuralProcess {
 public:
  /// Starts the program (pretrained/neural_program.hpp) and waits for its greeting. Throws Error when the program is
  /// missing (`need` begins the message), is another one or of another version, or ends at once; Interrupted.
  explicit NeuralProcess(const std::string& need);
  ~NeuralProcess();
  NeuralProcess(const NeuralProcess&) = delete;
  NeuralProcess& operator=(const NeuralProcess&) = delete;

  /// Sends a request and returns the reply, a message of type "done". Meanwhile the child's progress and notes are
  /// reported to `progress` (null: dropped), and an interruption of this process is forwarded: the child stops at its
  /// next checkpoint. The child's standard error is kept for the message of a crash, never printed.
  /// Throws what the child threw; Error when the child ended, with the end of its standard error. After a connection
  /// error the process is unusable (alive()).
  NeuralMessage call(const nlohmann::json& request, std::span<const float> numbers, Progress* progress);

  bool alive() const { return socket_.get() >= 0; }
  pid_t id() const { return child_ ? child_->id() : -1; }

 private:
  void start(const std::string& program);
  void greet(const std::string& program);
  NeuralMessage receive(Progress* progress);
  void send(std::span<const std::byte> bytes);
  void read(std::span<std::byte> bytes);
  void wait_for(short events);
  void drain_errors();
  void forward_interruption();
  [[noreturn]] void fail();
  ChildEnd wait_for_end();

  std::optional<ChildProcess> child_;
  Descriptor socket_, errors_;
  bool busy_ = false, stop_sent_ = false, greeted_ = false;
  std::string last_errors_;  // the end of the child's standard error
};

}  // namespace genrewise
