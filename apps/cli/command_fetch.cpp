// genrewise fetch: public datasets and the demonstration music.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/base/faults.hpp"
#include "genrewise/dataset/fetch.hpp"
#include "genrewise/pretrained/pretrained_networks.hpp"
#include "genrewise/storage/disk_space.hpp"

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
  return fmt::format("{} to download, up to {} of disk while it works", readable_size(one.download_bytes),
                     readable_size(one.disk_bytes));
}

std::string described() {
  std::string text = "what to fetch:";
  for (const Fetchable& one : fetchables()) {
    text += fmt::format("\n{}: {} ({})", one.name, one.description, sizes_of(one));
  }
  std::uint64_t bytes = 0;
  std::string networks;
  for (const PretrainedNetwork& one : pretrained_networks()) {
    bytes += one.bytes;
    networks += (networks.empty() ? "" : ", ") + one.name;
  }
  return text + fmt::format("\n{} [NETWORK]: pretrained networks, all or one of {} ({} to download)", kWeights,
                            networks, readable_size(bytes));
}

int run_weights(const Options& options, Session& session) {
  std::vector<std::string> paths;
  for (const PretrainedNetwork* one : select_pretrained_networks(options.network)) {
    session.say(fmt::format("{}: {} ({}; {})", one->name, one->description, readable_size(one->bytes), one->licence));
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
  if (!options.network.empty()) throw CLI::ValidationError(options.network, "only weights take the name of a network");
  const Fetchable& what = find_fetchable(options.name);
  session.say(fmt::format("{}: {}", what.name, sizes_of(what)));
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
  auto options = std::make_shared<Options>();
  CLI::App* command = session.add_command(
      app, "fetch", "get a public dataset, the demonstration music or pretrained weights; prints where it lies",
      kExamples, [options, &session] { return run(*options, session); });
  std::vector<std::string> names;
  for (const Fetchable& one : fetchables()) names.push_back(one.name);
  names.emplace_back(kWeights);
  command->add_option("what", options->name, described())->required()->check(CLI::IsMember(names));
  command->add_option("network", options->network, "with weights: this network's alone");
  command->add_option("--to", options->fetch.folder,
                      "the folder to put it in (default: data/demo or data/fma; weights: where they are looked for)");
  command->add_option("--mirror", options->fetch.mirror,
                      "get FMA's archives or weights from this address, where files of the same names lie");
  command->add_flag("--keep-archives", options->fetch.keep_archives, "do not remove archives when they are unpacked");
  session.add_format_options(command, false);
}

}  // namespace genrewise::cli
