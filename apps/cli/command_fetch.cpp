// genrewise fetch: public datasets and the demonstration music.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/dataset/fetch.hpp"
#include "genrewise/pretrained/pretrained_networks.hpp"
#include "genrewise/storage/local_files.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise fetch demo\n"
    "genrewise fetch fma-small --to /data/fma\n"
    "genrewise fetch fma-metadata --mirror http://mirror.example/fma/\n"
    "genrewise fetch weights\n"
    "genrewise fetch weights musicnn\n"
    "genrewise fetch weights efficientat --to ~/weights";

constexpr char kWeights[] = "weights";

struct Options {
  std::string name;
  std::string network;
  FetchOptions fetch;
};

std::string sizes_of(const Fetchable& one) {
  return fmt::format("{} to download, up to {} of disk space while unpacking", readable_size(one.download_bytes),
                     readable_size(one.disk_bytes));
}

/// What can be fetched, an entry of the help page each.
std::string described() {
  std::string text;
  for (const Fetchable& one : fetchables()) {
    text += fmt::format("{}\t{} ({})\n", one.name, one.description, sizes_of(one));
  }
  std::uint64_t bytes = 0;
  std::vector<std::string> networks;
  for (const PretrainedNetwork& one : pretrained_networks()) {
    bytes += one.bytes;
    networks.push_back(one.name);
  }
  return text + fmt::format("{}\tPretrained networks, all or one of {} ({} to download)", kWeights, listed(networks),
                            readable_size(bytes));
}

int run_weights(const Options& options, Session& session) {
  std::vector<std::string> paths;
  for (const PretrainedNetwork* one : select_pretrained_networks(options.network)) {
    session.line(fmt::format("{}: {} ({}; {})", one->name, one->description, readable_size(one->bytes), one->licence));
    paths.push_back(fetch_weights(one->name, options.fetch.folder, options.fetch.mirror, session.progress()).string());
  }
  if (session.format == Format::json) {
    session.print_json({{"weights", paths}});
  } else {
    session.print(fmt::format("{}\n", fmt::join(paths, "\n")));
  }
  return kDone;
}

int run(const Options& options, Session& session) {
  if (!options.network.empty()) select_pretrained_networks(options.network);
  if (options.name == kWeights) return run_weights(options, session);
  if (!options.network.empty()) {
    throw UsageError(fmt::format("{} takes no name of a network", options.name), options.network,
                     "leave it out, or use `genrewise fetch weights NETWORK`");
  }
  const Fetchable& what = find_fetchable(options.name);
  session.line(fmt::format("{}: {}", what.name, sizes_of(what)));
  const FetchResult result = fetch(options.name, options.fetch, session.progress());
  session.report_skipped(result.missing, "files");
  if (session.format == Format::json) {
    session.print_json({{"dataset", result.dataset.string()}, {"missing", result.missing}});
  } else {
    session.print(result.dataset.string() + "\n");
  }
  return result.missing.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_fetch(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Download a dataset, the demonstration music or pretrained weights",
                         .details = "Prints where the files are. What can be downloaded:\n" + described(),
                         .examples = kExamples};
  const auto [command, options] = session.add_command(app, "fetch", text, run);
  std::vector<std::string> names;
  for (const Fetchable& one : fetchables()) names.push_back(one.name);
  names.emplace_back(kWeights);
  const OptionGroup data(command, kData);
  one_of(data.add("NAME", options.name, "", "What to download"), names)->required()->option_text("");
  data.add("NETWORK", options.network, "", "With weights: the network, else all");
  data.add("--mirror", options.fetch.mirror, "URL",
           "Download FMA's archives or the weights from here, under the same file names");
  const OptionGroup output(command, kOutput);
  output.add("--to", options.fetch.folder, "FOLDER", "Folder to write to")
      ->default_str("data/demo, data/fma or the user's cache for weights");
  output.flag("--keep-archives", options.fetch.keep_archives, "Keep the archives after unpacking");
  session.add_format_options(command, false);
}

}  // namespace genrewise::cli
