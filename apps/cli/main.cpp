// genrewise: parses the command line, runs one command, and turns what happens into messages and exit codes.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <new>

#include "commands.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/base/standard_streams.hpp"
#include "genrewise/base/usage_error.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExitCodes[] =
    "\nExit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but some inputs were skipped (how many and why is "
    "printed);\n"
    "130 interrupted (start the same command again to go on).\n"
    "Wherever a file is named, it may lie in an object store: s3://BUCKET/NAME or gs://BUCKET/NAME.\n"
    "Results go to standard output, messages and progress to standard error.\n"
    "`genrewise COMMAND --help` shows a command's options and examples.";

std::atomic<Runtime*> interruptible{nullptr};  // what a signal interrupts

extern "C" void on_stop_signal(int) {
  if (Runtime* runtime = interruptible.load()) runtime->request_interrupt();
  constexpr char kMessage[] = "\ngenrewise: stopping at the next safe point; once more to stop at once\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second one does what it does by default: kill
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of write(), so that temporary files are still removed
}

int fail(std::string_view what, ExitCode code) {
  const std::string line = fmt::format("genrewise: {}\n", printable_lines(what));
  std::fputs(line.c_str(), stderr);  // nothing can be done where it cannot be written
  return code;
}

std::string usage_problem(const CLI::App& app, const CLI::ParseError& error) {
  const auto used = app.get_subcommands();
  if (!used.empty()) return fmt::format("{}; see genrewise {} --help", error.what(), used.front()->get_name());
  const auto words = app.remaining();
  if (words.empty()) return fmt::format("{}; see genrewise --help", error.what());
  return fmt::format("there is no command '{}'; see genrewise --help", printable(words.front()));
}

/// Lets signals interrupt a runtime as long as it lives.
class Interruptible {
 public:
  explicit Interruptible(Runtime& runtime) { interruptible = &runtime; }
  ~Interruptible() { interruptible = nullptr; }
};

int parse_and_run(int argc, char** argv) {
  CLI::App app{"A workbench for music-genre classification: features, honest splits, classifiers, predictions."};
  Session session;
  const Interruptible by_signals(session.runtime);
  const UseRuntime use(session.runtime);
  StoreOptions stores;
  app.name("genrewise");
  app.set_version_flag("--version", "genrewise " GENREWISE_VERSION);
  app.fallthrough();
  app.require_subcommand(1);
  app.footer(kExitCodes);
  app.add_option_function<int>(
         "--threads", [&](int count) { session.runtime.set_threads(count); },
         "how many threads may work (default: all processors)")
      ->check(CLI::Range(1, 4096));
  app.add_option_function<std::string>(
      "--device", [&](const std::string& device) { session.runtime.set_device(device); },
      "where networks work: auto, cpu, cuda or cuda:N (default: auto)");
  app.add_option_function<std::string>(
         "--weights", [&](const std::string& place) { session.runtime.set_weights(place); },
         "pretrained networks' weights, a file or a folder (default: GENREWISE_WEIGHTS, then where fetch weights puts "
         "them)")
      ->check(CLI::ExistingPath);
  app.add_option(
      "--endpoint", stores.endpoint,
      "the server of s3:// and gs:// places, as http://HOST:PORT (default: AWS_ENDPOINT_URL, or Amazon's and "
      "Google's own)");
  app.add_option("--region", stores.region, "the region of s3:// places (default: AWS_REGION, or us-east-1)");
  app.add_option("--profile", stores.profile,
                 "the profile in ~/.aws/credentials and ~/.aws/config (default: AWS_PROFILE)");
  app.add_flag("--quiet,-q", session.quiet, "no progress and no remarks, only results and errors");
  for (const AddCommand add : kCommands) add(app, session);
  try {
    app.parse(argc, argv);
    set_store_options(stores);
    return session.run();
  } catch (const CLI::CallForHelp&) {
    const CLI::App* chosen = &app;
    for (const auto used = app.get_subcommands(); const CLI::App* command : used) chosen = command;
    session.print(chosen->help(chosen == &app ? "" : app.get_name()));
    return kDone;
  } catch (const CLI::Success& version) {
    session.print(std::string(version.what()) + "\n");
    return kDone;
  } catch (const CLI::ParseError& error) {
    return fail("wrong usage: " + usage_problem(app, error), kWrongUsage);
  }
}

int guarded_main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const OutputClosed&) {
    return kDone;
  } catch (const Interrupted& stop) {
    return fail(stop.what(), kInterrupted);
  } catch (const UnknownName& error) {
    return fail(fmt::format("wrong usage: {}", error.what()), kWrongUsage);
  } catch (const UsageError& error) {
    return fail(fmt::format("wrong usage: {}", error.what()), kWrongUsage);
  } catch (const Error& error) {
    return fail(fmt::format("error: {}", error.what()), kFailed);
  } catch (const std::bad_alloc&) {
    return fail("error: not enough memory; use fewer threads or less data", kFailed);
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(fmt::format("error: {}: {}; check the path and its permissions", error.path1().string(),
                            error.code().message()),
                kFailed);
  } catch (const nlohmann::json::exception& error) {
    return fail(fmt::format("error: a file contains JSON of another form than expected: {}", problem_of(error)),
                kFailed);
  } catch (const std::exception& error) {
    return fail(fmt::format("error: {}; this should not happen, please report it", error.what()), kFailed);
  }
}

}  // namespace
}  // namespace genrewise::cli

int main(int argc, char** argv) {
  genrewise::open_standard_streams();
  genrewise::cli::catch_signals();
  return genrewise::cli::guarded_main(argc, argv);
}
