// What all commands share: exit codes, common options, and the output of results, messages and progress.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/storage/files.hpp"
#include "session_progress.hpp"
#include "table.hpp"

namespace genrewise::cli {

enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kWrongUsage = 2,
  kSomeSkipped = 3,    ///< done, but some inputs could not be used; how many and why was printed
  kInterrupted = 130,  ///< Ctrl-C or SIGTERM, as shells count it
};

/// Standard output was closed by its reader (`genrewise ... | head`); the program then ends quietly.
struct OutputClosed {};

/// How results are printed on standard output.
enum class Format { table, json, csv };

/// What a command's help page holds besides its options.
struct CommandText {
  std::string summary;       ///< in the list of commands: imperative verb, capital letter, no full stop, one line
  std::string details = {};  ///< sentences, a paragraph a line
  std::string examples;      ///< whole command lines, one a line; every command has some
};

class Session {
 public:
  /// A subcommand and the variables of its options. When it was chosen, `body` is called after all options are parsed
  /// and returns the exit code. It may throw Error (exit code 1) and UsageError (wrong usage found late, exit code 2).
  template <class Options>
  std::pair<CLI::App*, std::remove_const_t<Options>&> add_command(CLI::App& app, const std::string& name,
                                                                  const CommandText& text,
                                                                  int (*body)(Options&, Session&)) {
    const auto options = std::make_shared<std::remove_const_t<Options>>();
    return {add_body(app, name, text, [this, options, body] { return body(*options, *this); }), *options};
  }

  /// --json and --csv for a command that prints results; `format` stays Format::table without them.
  void add_format_options(CLI::App* command, bool with_csv = true);
  /// --seed.
  void add_seed_option(CLI::App* command);

  Format format = Format::table;
  std::uint64_t seed = kDefaultSeed;
  bool quiet = false;
  LogFormat log_format = LogFormat::text;  ///< of standard error
  std::string metrics_file;                ///< empty: none
  StoreOptions stores;
  Runtime runtime;

  /// Progress and notes on standard error, silent with --quiet.
  Progress& progress();
  /// A remark on standard error: wrapped and dim on a terminal, printed once per run, silent with --quiet.
  void note(std::string_view text);
  /// All of them but `general`, which every run has and which stay in the report.
  void notes(std::span<const std::string> texts, std::span<const std::string> general = {});
  /// A fact or a shell command on a line of its own on standard error, as it is, or as a note in the log; silent with
  /// --quiet.
  void line(std::string_view text);
  /// Results on standard output. Throws OutputClosed, or Error when it cannot be written (a full disk).
  void print(std::string_view text);
  /// A table, fitted to the terminal.
  void print(const Table& table);
  /// As json_text().
  void print_json(const nlohmann::json& json);
  /// What was skipped, by reason, most frequent first, with some names each; nothing when nothing was. Printed with
  /// --quiet too, because it explains the exit code, kDone or kSomeSkipped, which is returned.
  ExitCode report_skipped(std::span<const Fault> skipped, std::string_view noun);

  /// Runs the chosen command.
  int run();

 private:
  CLI::App* add_body(CLI::App& app, const std::string& name, const CommandText& text, std::function<int()> body);

  std::function<int()> chosen_;
  std::string command_;
  SessionProgress progress_;
};

/// Adds the program's own options and all commands.
void add_all(CLI::App& app, Session& session);

/// In the form that was asked for; `json` is called for --json only.
void print_result(Session& session, const Table& table, const std::function<nlohmann::json()>& json);

/// Indented; text that is no UTF-8 (names of files may hold any bytes) is shown with U+FFFD.
std::string json_text(const nlohmann::json& json);

/// A fitted table as text for standard output.
std::string fitted(const Table& table);

}  // namespace genrewise::cli
