// genrewise merge: the parts of a job -> one table or pack.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/data_source/merge_tables.hpp"
#include "genrewise/packs/merge_pack.hpp"
#include "genrewise/storage/files.hpp"
#include "option_group.hpp"
#include "result_file.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise merge features.npy\n"
    "genrewise merge s3://bucket/packs/mel224\n"
    "for i in 1 2 3 4; do genrewise extract fma --part $i/4 -o features.npy & done; wait; genrewise merge features.npy";

struct Options {
  std::string output;
  bool keep_parts = false;
};

/// Of the parts of `command`, with as much memory as one run needs for its result.
MergeResult merge_results(const std::string& command, const Options& options) {
  std::vector<ResultPart> parts = read_result_parts(options.output);
  MergeResult done{.parts = parts.size()};
  for (const ResultPart& part : parts) done.skipped += part.skipped.size();
  const Format format = std::filesystem::path(options.output).extension() == ".csv" ? Format::csv : Format::json;
  const MergedResult merged =
      command == "inspect" ? merge_inspections(std::move(parts), format) : merge_predictions(std::move(parts), format);
  write_file(options.output, merged.text);
  if (!options.keep_parts) PartFolder(options.output).remove();
  done.rows = merged.entries;
  done.bytes = merged.text.size();
  return done;
}

int run(const Options& options, Session& session) {
  const Stopwatch watch;
  const bool pack = holds_pack_parts(options.output);
  if (pack && options.keep_parts)
    throw UsageError("a pack's parts are its shards", "--keep-parts", "leave the option out");
  MergeResult merged;
  if (pack) {
    const PackMerge done = merge_pack(options.output, session.progress());
    merged = {done.shards, done.examples, done.skipped, done.bytes};
  } else if (const std::string command = command_of_parts(options.output); !command.empty()) {
    merged = merge_results(command, options);
  } else {
    merged = merge_tables(options.output, options.keep_parts, session.progress());
  }
  const char *rows = pack ? "examples" : "rows", *parts = pack ? "shards" : "parts";
  if (session.format == Format::json) {
    session.print_json({{"output", options.output},
                        {rows, merged.rows},
                        {parts, merged.parts},
                        {"bytes", merged.bytes},
                        {"skipped", merged.skipped},
                        {"merge_s", watch.seconds()}});
  } else {
    session.print(fmt::format("{}: {} {}, {:.1f} MB, of {} {}, {} skipped; took {:.1f} s\n", options.output,
                              merged.rows, rows, static_cast<double>(merged.bytes) / 1e6, merged.parts, parts,
                              merged.skipped, watch.seconds()));
  }
  return merged.skipped == 0 ? kDone : kSomeSkipped;
}

}  // namespace

void add_merge(CLI::App& app, Session& session) {
  const CommandText text{
      .summary = "Merge the parts of a table, pack or result (extract, pack, predict, inspect with --part)",
      .details = "The result has the same bytes as one run without parts.",
      .examples = kExamples};
  const auto [command, options] = session.add_command(app, "merge", text, run);
  OptionGroup(command, kData)
      .add("OUTPUT", options.output, "", "What the parts were given as -o: a table, a result, or the folder of a pack")
      ->required();
  OptionGroup(command, kOutput)
      .flag("--keep-parts", options.keep_parts, "Leave the parts of a table or result in the folder OUTPUT.parts");
  session.add_format_options(command, /*with_csv=*/false);
}

}  // namespace genrewise::cli
