// What all commands share: exit codes, common options, and where results, messages and progress go.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"
#include "table.hpp"
#include "terminal_progress.hpp"

namespace genrewise::cli {

enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kWrongUsage = 2,
  kSomeSkipped = 3,    ///< done, but some inputs could not be used; how many and why was printed
  kInterrupted = 130,  ///< Ctrl-C or SIGTERM, as shells count it
};

/// Nobody reads our standard output any more (`genrewise ... | head`); main() ends quietly on it.
struct OutputClosed {};

/// How results are printed on standard output.
enum class Format { table, json, csv };

class Session {
 public:
  /// A subcommand whose `body` runs, when the person chose it, after all options are parsed; it returns the exit code.
  /// It may throw Error (exit code 1) and CLI::ValidationError (wrong usage found late, exit code 2). `examples` are
  /// whole command lines, one a line; every command has some.
  CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                        const std::string& examples, std::function<int()> body);

  /// --json and --csv for a command that prints results; `format` stays Format::table without them.
  void add_format_options(CLI::App* command, bool with_csv = true);
  /// --seed.
  void add_seed_option(CLI::App* command);

  Format format = Format::table;
  std::uint64_t seed = kDefaultSeed;
  bool quiet = false;
  Runtime runtime;

  /// Progress and notes on standard error, silent with --quiet.
  Progress& progress();
  /// A line on standard error, kept back by --quiet.
  void say(std::string_view line);
  /// Results on standard output. Throws OutputClosed, or Error when it cannot be written (a full disk).
  void print(std::string_view text);
  /// Indented; text that is no UTF-8 (names of files may hold any bytes) is shown with U+FFFD.
  void print_json(const nlohmann::json& json);
  /// What was skipped, by reason, most frequent first, with some names each; nothing when nothing was. --quiet does
  /// not keep it back: it is the why of exit code 3.
  void report_skipped(std::span<const Fault> skipped, std::string_view noun);

  /// Runs the chosen command.
  int run();

 private:
  std::function<int()> chosen_;
  TerminalProgress terminal_;
  Progress silent_;
};

/// Of --features, which names the feature set.
inline constexpr char kFeaturesHelp[] =
    "the feature set: fma518 (the default), music, frames, frames_by_coefficient, mel224, raw10k, "
    "or a network's (audiotag, efficientat, musicnn, mobilenetv2: docs/networks.md)";

/// Of --subset.
inline constexpr char kSubsetHelp[] =
    "of FMA's folder: small (the default), medium, large or full; each holds the ones before it";

/// In the form that was asked for; `json` is called for --json only.
void print_result(Session& session, const Table& table, const std::function<nlohmann::json()>& json);

}  // namespace genrewise::cli
