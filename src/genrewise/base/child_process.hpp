// Descriptors, and child processes: starting, limits, and how they ended; other programs (7-Zip, the package manager),
// which run without a shell.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  /// Closes it and takes over another one.
  void reset(int number = -1);

 private:
  int number_;
};

/// Opens those of descriptors 0 to 2 that are closed; call it first in main(). Otherwise the next file that is opened
/// gets such a number, and what is printed is written into it. Standard input is then empty, writing to standard output
/// fails (so that lost results are noticed), and what is written to standard error is dropped.
void open_standard_streams() noexcept;

struct ChildConfig {
  std::vector<std::string> command = {};      ///< command[0] is searched in PATH if it has no slash
  std::array<int, 3> streams = {-1, -1, -1};  ///< become standard input, output and error; -1: /dev/null
  std::filesystem::path folder = {};          ///< working directory; empty: the current one
  std::vector<std::string> environment = {};  ///< NAME=VALUE, besides the variables of this process
};

/// How a process ended: by exit(exit_code), or by a signal if that is not 0.
struct ChildEnd {
  int exit_code = 0;
  int signal = 0;
};

/// "ended with exit code 3" or "was ended by signal 11 (Segmentation fault)".
std::string to_string(const ChildEnd& end);

/// A child process with no open files but its standard streams, and no blocked signals. The destructor kills it.
class ChildProcess {
 public:
  /// Throws Error if it cannot be started.
  explicit ChildProcess(const ChildConfig& config);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Of a process that has not been waited for; else -1.
  pid_t id() const { return id_; }
  void send_signal(int signal) const;
  /// Waits for its end; kills it when that takes longer than `grace`.
  ChildEnd wait(std::optional<std::chrono::milliseconds> grace = {});

 private:
  bool reap(int flags);

  pid_t id_ = -1;
  ChildEnd end_;
};

bool is_executable(const std::filesystem::path& path);
/// Finds a program in PATH ("/usr/bin:/bin" if PATH is not set); empty if there is none. Empty entries of PATH, which
/// denote the current folder, are skipped.
std::filesystem::path find_program(const std::string& name);

/// Finds a program of this installation: the value of the environment variable `variable`, else beside this program, in
/// ../libexec/genrewise or ../bin from there, or in PATH; empty if there is none. Throws Error when the variable names
/// a file that is not executable.
std::filesystem::path find_own_program(const std::string& name, const char* variable);

/// Runs command[0] (searched in PATH) in `folder` (empty: the current one) with empty standard input and the locale
/// C.UTF-8; passes its standard output and standard error to `on_output` in pieces. Returns the exit code (128 + signal
/// if it was killed). Throws Error if it cannot be started, and Interrupted on Ctrl-C, after terminating it.
int run_process(const std::vector<std::string>& command, const std::filesystem::path& folder,
                const std::function<void(std::string_view output)>& on_output);

/// Sockets that are non-blocking. `wait` is called with POLLIN or POLLOUT while nothing can be transferred; it may
/// throw to give up. False when the other end is closed.
using WaitForSocket = std::function<void(short events)>;
bool send_all(int socket, std::span<const std::byte> bytes, const WaitForSocket& wait);
bool receive_all(int socket, std::span<std::byte> bytes, const WaitForSocket& wait);

/// Limits this process: at most `memory_bytes` more of private memory than now (a failed allocation), and no core dump.
void limit_memory(std::uint64_t memory_bytes);
/// Ends this process with SIGXCPU after that much more processor time.
void limit_processor_time(double more_s);

}  // namespace genrewise
