#include "commands.hpp"

#include "genrewise/audio/decoders.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise fetch demo\n"
    "genrewise study data/demo/demo.csv -o runs/demo";

std::string version_text() {
  const std::string missing = audio_decoders().missing;
  return "genrewise " GENREWISE_VERSION + (missing.empty() ? "" : "\nBuilt without GPL parts; not decoded: " + missing);
}

void add_store_options(CLI::App& app, StoreOptions& stores) {
  const OptionGroup group(&app, kStores);
  group
      .add("--endpoint", stores.endpoint, "URL",
           "Server of s3:// and gs:// locations, as http://HOST:PORT; else AWS_ENDPOINT_URL or STORAGE_EMULATOR_HOST "
           "is used")
      ->default_str("Amazon's and Google's servers");
  group.add("--region", stores.region, "NAME", "Region of s3:// locations; else AWS_REGION is used")
      ->default_str("us-east-1");
  group.add("--profile", stores.profile, "NAME",
            "Profile in ~/.aws/credentials and ~/.aws/config; else AWS_PROFILE is used");
}

void add_general_options(CLI::App& app, Session& session) {
  const OptionGroup group(&app, kGeneral);
  in_range(group.add_function<int>(
               "--threads", [&session](int count) { session.runtime.set_threads(count); }, "N",
               "Threads that work at the same time"),
           1, 4096)
      ->default_str("all processors");
  group
      .add_function<std::string>(
          "--device", [&session](const std::string& device) { session.runtime.set_device(device); }, "DEVICE",
          "Device of networks: auto, cpu, cuda or cuda:N")
      ->default_str("auto");
  group
      .add_function<std::string>(
          "--weights", [&session](const std::string& location) { session.runtime.set_weights(location); }, "PATH",
          "Weights of pretrained networks, a file or a folder; else GENREWISE_WEIGHTS is used")
      ->default_str("the folder of `genrewise fetch weights`")
      ->check([](const std::string& path) {
        return CLI::ExistingPath(path).empty() ? "" : "needs a file or folder that exists, not '" + path + "'";
      });
  one_of(group.add_function<std::string>(
             "--log-format",
             [&session](const std::string& format) {
               session.log_format = format == "json" ? LogFormat::json : LogFormat::text;
             },
             "FORMAT", "Progress, notes and errors on standard error: text, or a JSON object a line"),
         {"text", "json"})
      ->default_str("text");
  group.add("--metrics-file", session.metrics_file, "FILE",
            "Replace this file with the progress every 10 s, for Prometheus (node_exporter's textfile collector)");
  group.flag("-q,--quiet", session.quiet, "Print results and errors only, no progress and no notes");
}

}  // namespace

void add_all(CLI::App& app, Session& session) {
  app.name("genrewise");
  app.description("Classify music by genre: features, honest splits, classifiers and predictions");
  app.footer(kExamples);
  app.set_help_flag("-h,--help", "Show this page");
  app.set_version_flag("--version", version_text(), "Show the version");
  app.fallthrough();
  app.require_subcommand(1);
  add_store_options(app, session.stores);
  add_general_options(app, session);
  for (AddCommand* const add : kCommands) add(app, session);
}

}  // namespace genrewise::cli
