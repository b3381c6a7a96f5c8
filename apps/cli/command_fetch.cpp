// genrewise fetch: public datasets and the demonstration music.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/dataset/fetch.hpp"
#include "genrewise/storage/disk_space.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise fetch demo\n"
    "genrewise fetch fma-small --to /data/fma\n"
    "genrewise fetch fma-metadata --mirror http://mirror.example/fma/";

struct Options {
  std::string name;
  FetchOptions fetch;
};

std::string sizes_of(const Fetchable& one) {
  return fmt::format("{} to download, up to {} of disk while it works", readable_size(one.download_bytes),
                     readable_size(one.disk_bytes));
}

std::string described() {
  std::string text = "what to fetch:";
  for (const Fetchable& one : fetchables()) {
    text += fmt::format("\n{}: {} ({})", one.name, one.description, sizes_of(one));
  }
  return text;
}

int run(const Options& options, Session& session) {
  const Fetchable& what = find_fetchable(options.name);
  session.say(fmt::format("{}: {}", what.name, sizes_of(what)));
  const FetchResult result = fetch(options.name, options.fetch, session.progress());
  session.report_skipped(result.missing, "files");
  if (session.format == Format::json) {
    session.print_json({{"dataset", result.dataset.string()}, {"missing", skipped_json(result.missing)}});
  } else {
    session.print(result.dataset.string() + "\n");
  }
  return result.missing.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_fetch(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      session.add_command(app, "fetch", "get a public dataset or the demonstration music; prints where it lies",
                          kExamples, [options, &session] { return run(*options, session); });
  std::vector<std::string> names;
  for (const Fetchable& one : fetchables()) names.push_back(one.name);
  command->add_option("what", options->name, described())->required()->check(CLI::IsMember(names));
  command->add_option("--to", options->fetch.folder, "the folder to put it in (default: data/demo or data/fma)");
  command->add_option("--mirror", options->fetch.mirror,
                      "get FMA's archives from this address, where fma_small.zip and the others lie");
  command->add_flag("--keep-archives", options->fetch.keep_archives, "do not remove archives when they are unpacked");
  session.add_format_options(command, false);
}

}  // namespace genrewise::cli
