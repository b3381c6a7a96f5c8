// A decode worker that fails for files whose last line is "FAULT KIND"; others are decoded.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "genrewise/audio/decode_workers.hpp"

namespace {

using genrewise::audio::ByteSource;
using genrewise::audio::kDecodeProtocol;

void send_text(const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t sent = ::send(STDIN_FILENO, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) ::_exit(0);
    at += static_cast<std::size_t>(sent);
  }
}

void send_message(const nlohmann::json& header, const std::vector<float>& numbers = {}) {
  send_text(genrewise::message_head(header, numbers.size(), kDecodeProtocol) +
            std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)));
}

[[noreturn]] void wait_for_ever() {
  for (;;) ::pause();
}

/// What a decoder that was taken over would try: those attempts that are not refused.
std::string escapes() {
  std::string done;
  const auto attempt = [&](const char* what, long result) {
    if (result >= 0 || (errno != EPERM && errno != EACCES)) done += std::string(what) + " ";
  };
  const std::string own = "/tmp/genrewise-escape-" + std::to_string(::getpid()), other = own + "-2";
  char* const none[] = {nullptr};
  attempt("socket", ::socket(AF_INET, SOCK_STREAM, 0));
  attempt("local socket", ::socket(AF_UNIX, SOCK_STREAM, 0));
  attempt("create", ::open(own.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600));
  attempt("write", ::open("/dev/null", O_WRONLY));
  attempt("mkdir", ::mkdir(other.c_str(), 0700));
  attempt("rename", ::rename(own.c_str(), other.c_str()));
  attempt("chmod", ::chmod(own.c_str(), 0600));
  attempt("truncate", ::truncate(own.c_str(), 0));
  attempt("unlink", ::unlink(own.c_str()));
  attempt("read", ::open("/proc/1/stat", O_RDONLY));
  attempt("list", ::open("/tmp", O_RDONLY | O_DIRECTORY));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  attempt("fork", child);
  attempt("execute", ::execve("/nonexistent", none, none));
  attempt("signal", ::kill(::getppid(), 0));
  attempt("trace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
  attempt("io_uring", ::syscall(__NR_io_uring_setup, 1, none));
  if (environ != nullptr && *environ != nullptr) done += "environment ";
  std::thread([] {}).join();  // threads, which decoders start, still work
  return done;
}

void fail_as_the_file_demands(ByteSource& source) {
  static int files = 0;
  ++files;
  std::string end(32, ' ');
  source.read_at(source.size() - 32, std::as_writable_bytes(std::span(end)));
  const std::size_t at = end.find("FAULT ");
  const std::string kind = at == std::string::npos ? "" : end.substr(at + 6);
  if (kind == "crash" || (kind == "crash later" && files > 1)) {
    ::signal(SIGSEGV, SIG_DFL);
    ::raise(SIGSEGV);
  } else if (kind == "hang") {
    wait_for_ever();
  } else if (kind == "exit") {
    ::_exit(3);
  } else if (kind == "memory") {
    for (std::vector<std::string> kept;;) kept.emplace_back(std::size_t{8} << 20, 'x');
  } else if (kind == "throw") {
    throw std::runtime_error("boom");
  } else if (kind == "escape") {
    throw std::runtime_error("escaped by: " + escapes());
  } else if (kind == "garbage") {
    send_text(std::string(10'000, 'x'));
  } else if (kind == "flood") {
    for (;;) send_message({{"type", "read"}, {"offset", 0}, {"count", 1}});
  } else if (kind == "large") {
    send_text(
        genrewise::message_head({{"type", "wave"}, {"sample_rate_hz", 8000}}, std::size_t{1} << 38, kDecodeProtocol));
    wait_for_ever();
  } else if (kind == "outside") {
    send_message({{"type", "read"}, {"offset", -1}, {"count", 1}});
  } else if (kind == "types") {
    send_message({{"type", "read"}, {"offset", "0"}, {"count", nullptr}});
  } else if (kind == "nan") {
    send_message({{"type", "wave"}, {"sample_rate_hz", 8000}}, {std::numeric_limits<float>::quiet_NaN()});
  } else if (kind == "rate") {
    send_message({{"type", "wave"}, {"sample_rate_hz", -1}}, {0.0f});
  } else if (kind == "info") {
    send_message({{"type", "info"}, {"format", 7}});
  }
}

}  // namespace

int main(int argc, char** argv) {
  return genrewise::audio::run_decode_worker(argc, argv, fail_as_the_file_demands);
}
