// genrewise serve: the page and the REST interface.
#include <fmt/format.h>

#include <chrono>
#include <future>
#include <thread>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/child_process.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/credentials.hpp"
#include "genrewise/storage/files.hpp"
#include "option_group.hpp"
#include "server.hpp"

namespace genrewise::cli {
namespace {

constexpr char kDetails[] =
    "Serves a page and a REST interface (docs/server.md) on this machine alone until Ctrl-C: genres of dropped files, "
    "the catalogue with its map, corrections, playlists and tag changes, runs and datasets. Another --host needs a "
    "token.";
constexpr char kExamples[] =
    "genrewise serve --open\n"
    "genrewise serve --model runs/fma/best.gwm --runs runs --data data/demo/demo.csv\n"
    "genrewise serve --host 0.0.0.0 --token-file token.txt --read-only";

struct Options {
  LibraryOptions library;
  server::ServerConfig server;
  std::filesystem::path token_file;
  const CLI::Option *by_text = nullptr, *by_file = nullptr;  // --token and --token-file
  IsolationOptions isolation;
  bool open = false;
};

/// Waits for the end of the program, which Ctrl-C does not reach. Returns why the page is not open; empty: it is.
std::string open_in_browser(const std::string& url) try {
  for (const char* program : {"xdg-open", "open"}) {
    if (find_program(program).empty()) continue;
    const ChildEnd end = ChildProcess(ChildConfig{.command = {"setsid", program, url}}).wait();
    return end.exit_code == 0 && end.signal == 0 ? "" : fmt::format("{} {}", program, to_string(end));
  }
  return "there is no xdg-open that could open the page";
} catch (const Error& error) {
  return error.what();
}

/// Throws UsageError for an empty token, which would let everybody in.
void read_token(Options& options) {
  std::string& token = options.server.token;
  const bool in_file = options.by_file->count() > 0;
  if (in_file) token = trimmed(read_file(options.token_file));
  if (token.empty() && (in_file || options.by_text->count() > 0))
    throw UsageError("is empty", in_file ? "--token-file" : "--token", "make one with `openssl rand -hex 32`");
  if (!token.empty()) forbid_core_dumps();
}

int run(Options& options, Session& session) {
  server::ServerConfig& config = options.server;
  config.version = GENREWISE_VERSION;
  config.isolation = options.isolation.config();
  config.library = options.library.file;
  if (config.library.empty() && path_exists(default_catalogue())) config.library = default_catalogue();
  read_token(options);
  if (!config.runs.empty() && !is_folder(config.runs)) throw UsageError("is no folder", "--runs", "give one with runs");
  server::Server server(config, session.runtime);
  const std::string url = server.start();
  session.line(fmt::format("{}  (Ctrl-C stops)", url));
  std::packaged_task<std::string()> opening([url] { return open_in_browser(url); });
  std::future<std::string> problem = opening.get_future();
  if (options.open) std::thread(std::move(opening)).detach();  // the browser may stay open for longer
  while (!session.runtime.interrupt_requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (!problem.valid() || problem.wait_for(std::chrono::seconds(0)) != std::future_status::ready) continue;
    if (const std::string text = problem.get(); !text.empty()) session.note(text);
  }
  server.stop();
  return kDone;
}

}  // namespace

void add_serve(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Serve a page and a REST interface for music, runs and datasets",
                         .details = kDetails,
                         .examples = kExamples};
  const auto [command, options] = session.add_command(app, "serve", text, run);
  server::ServerConfig& config = options.server;
  const OptionGroup data(command, kData), model(command, kModel), network(command, "Network");
  options.library.add_to(command);
  data.add("--runs", config.runs, "FOLDER", "Folder of run folders, whose reports and curves are shown");
  data.add("--data", config.datasets, "DATASET", "A dataset to inspect; several times: several")
      ->allow_extra_args(false);
  options.isolation.add_to(command, true);
  model.add("-m,--model", config.model, "FILE", "A trained model, *.gwm")
      ->default_str("that of the catalogue, else what a pretrained network recognises");
  in_range(network.add("--port", config.port, "PORT", "Port; 0: any free one"), 0, 65535)->capture_default_str();
  network.add("--host", config.host, "ADDRESS", "Address to listen on; 0.0.0.0: all of this machine")
      ->capture_default_str();
  CLI::Option* token = network.add("--token", config.token, "TOKEN",
                                   "Needed by every request; other users see it in the list of processes");
  options.by_text = token;
  options.by_file =
      network.add("--token-file", options.token_file, "FILE", "File that holds the token")->excludes(token);
  network.add("--allow-host", config.allowed_hosts, "NAME", "Host name of a proxy in front of the server")
      ->allow_extra_args(false);
  network.flag("--read-only", config.read_only, "Refuse what changes the catalogue or tags");
  network.flag("--open", options.open, "Open the page in a browser");
}

}  // namespace genrewise::cli
