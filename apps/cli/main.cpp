// genrewise: parses the command line, runs one command, and turns the outcome into messages and exit codes.
#include <cxxabi.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <typeinfo>
#include <vector>

#include "completion.hpp"
#include "genrewise/audio/isolation.hpp"
#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "help.hpp"
#include "session.hpp"
#include "terminal.hpp"

namespace genrewise::cli {
namespace {

std::atomic<Runtime*> interruptible{nullptr};  // what a signal interrupts
std::atomic<bool> logs_json{false};            // --log-format json

constexpr unsigned kStopping_s = 8;

extern "C" void on_stop_signal(int) {
  if (Runtime* runtime = interruptible.load()) runtime->request_interrupt();
  constexpr std::string_view kMessage =
      "\ngenrewise: stopping at the next safe point, after 8 s at the latest; press Ctrl-C again to stop at once\n";
  constexpr std::string_view kJson = "{\"event\":\"signal\",\"level\":\"warning\",\"message\":\"stopping\"}\n";
  const std::string_view message = logs_json ? kJson : kMessage;
  [[maybe_unused]] const auto written = write(STDERR_FILENO, message.data(), message.size());
  alarm(kStopping_s);
}

// Some computations of other libraries, such as the eigenvectors of a large matrix, have no safe points. Files that are
// being written are then left as by a kill: unfinished ones never have their final name.
extern "C" void on_alarm(int) {
  constexpr char kMessage[] = "genrewise: interrupted; run the same command again to continue\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(kInterrupted);
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second signal has its default action: kill
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGALRM, on_alarm);
  // A closed pipe and a file that exceeds ulimit -f are errors of write(), so that temporary files are still removed.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int fail(std::string_view what, ExitCode code) {
  const std::string line = logs_json ? json_log_line("error", "error", {{"message", what}, {"exit_code", code}})
                                     : fmt::format("genrewise: {}\n", printable_lines(what));
  std::fputs(line.c_str(), stderr);  // nothing can be done where it cannot be written
  return code;
}

/// Lets signals interrupt a runtime as long as it lives.
class Interruptible {
 public:
  explicit Interruptible(Runtime& runtime) { interruptible = &runtime; }
  ~Interruptible() { interruptible = nullptr; }
};

int parse_and_run(int argc, char** argv) {
  CLI::App app;
  Session session;
  const Interruptible by_signals(session.runtime);
  const UseRuntime use(session.runtime);
  add_all(app, session);
  for (int i = 1; i < argc; ++i)
    if (is_negated_term(argv[i])) argv[i][0] = '!';  // no option
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == kCompleteVerb) {
    session.print(completion_lines(completions_of(app, std::span(words).subspan(1))));
    return kDone;
  }
  if (words.size() == 2 && words[0] == "--write-manual-pages") {  // for `cmake --install`
    std::map<std::string, std::string> pages;
    add_manual_pages(pages, app);
    for (const auto& [name, text] : pages) write_file(join_location(words[1], name), text);
    return kDone;
  }
  try {
    app.parse(argc, argv);
    logs_json = session.log_format == LogFormat::json;
    set_store_options(session.stores);
    return session.run();
  } catch (const CLI::CallForHelp&) {
    session.print(
        help_page(chosen_command(app), {.width = page_width(Stream::out), .colour = has_colour(Stream::out)}));
    return kDone;
  } catch (const CLI::Success& version) {
    session.print(std::string(version.what()) + "\n");
    return kDone;
  } catch (const CLI::ParseError& error) {
    return fail("wrong usage: " + usage_problem(app, error), kWrongUsage);
  }
}

int reporting_main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const OutputClosed&) {
    return kDone;
  } catch (const Interrupted& stop) {
    return fail(stop.what(), kInterrupted);
  } catch (const UsageError& error) {
    return fail(fmt::format("wrong usage: {}", error.what()), kWrongUsage);
  } catch (const Error& error) {
    return fail(fmt::format("error: {}", error.what()), kFailed);
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(fmt::format("error: {}", to_error(error).what()), kFailed);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const nlohmann::json::exception& error) {
    return fail(fmt::format("error: a file contains JSON of another form than expected: {}", problem_of(error)),
                kFailed);
  } catch (const std::exception& error) {
    return fail(fmt::format("internal error: {}; please report it with the command and the version", error.what()),
                kFailed);
  }
}

// Apart from the other errors, because their messages need memory.
int out_of_memory() {
  std::fputs("genrewise: error: out of memory; use fewer threads or less data\n", stderr);
  return kFailed;
}

// Destructors of some libraries need memory (those of JSON values). What is being written is then left as by a kill.
[[noreturn]] void on_terminate() {
  const std::type_info* thrown = abi::__cxa_current_exception_type();
  if (thrown != nullptr && *thrown == typeid(std::bad_alloc)) _exit(out_of_memory());
  std::abort();
}

int guarded_main(int argc, char** argv) try { return reporting_main(argc, argv); } catch (const std::bad_alloc&) {
  return out_of_memory();
}

}  // namespace
}  // namespace genrewise::cli

int main(int argc, char** argv) {
  genrewise::open_standard_streams();
  if (argc > 1 && std::string_view(argv[1]) == genrewise::kDecodeWorkerVerb)
    return genrewise::run_decode_worker(argc, argv);
  genrewise::cli::catch_signals();
  std::set_terminate(genrewise::cli::on_terminate);
  return genrewise::cli::guarded_main(argc, argv);
}
