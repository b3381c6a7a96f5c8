// genrewise list: files of a folder or an object store.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/storage/listing.hpp"
#include "genrewise/storage/local_files.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise list 's3://bucket/packs/*/manifest.json'\n"
    "genrewise list 's3://bucket/packs/mel224/*.tfrec' --json\n"
    "genrewise list 's3://bucket/music/**' --csv > music.csv";

/// Row by row, for listings of millions of files, which are datasets themselves.
std::size_t print_csv(const std::string& pattern, Session& session) {
  constexpr std::size_t kPrintedBytes = 1 << 16;
  std::string text = "bytes,modified,location\n";
  std::size_t count = 0;
  for_each_matching(pattern, [&](const FileInfo& object) {
    text += fmt::format("{},{},", object.bytes, object.modified);
    append_csv_field(text, object.location);
    text += '\n';
    ++count;
    if (text.size() < kPrintedBytes) return;
    session.print(text);
    text.clear();
  });
  if (count > 0) session.print(text);
  return count;
}

int run(const std::string& pattern, Session& session) {
  using enum Table::Align;
  const Error none("there are no files", pattern, "check the location; ** matches sub-folders too");
  if (session.format == Format::csv) {
    if (print_csv(pattern, session) == 0) throw none;
    return kDone;
  }
  Table table({{"bytes", right}, {"modified"}, {"location", left, Table::Overflow::path}});
  nlohmann::json objects = nlohmann::json::array();
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  for (const FileInfo& object : list_matching(pattern)) {
    table.add_row({std::to_string(object.bytes), object.modified, object.location});
    objects.push_back({{"location", object.location}, {"bytes", object.bytes}, {"modified", object.modified}});
    bytes += object.bytes;
    ++count;
  }
  if (count == 0) throw none;
  print_result(session, table, [&] { return nlohmann::json{{"objects", objects}, {"bytes", bytes}}; });
  session.line(fmt::format("{} objects, {}", count, readable_size(bytes)));
  return kDone;
}

}  // namespace

void add_list(CLI::App& app, Session& session) {
  const CommandText text{.summary = "List files, locally or in an object store", .examples = kExamples};
  const auto [command, pattern] = session.add_command(app, "list", text, run);
  OptionGroup(command, kData)
      .add("LOCATION", pattern, "",
           "A folder, bucket, file or pattern: * and ? (within a name), ** (across folders), [a-z]; put a pattern in "
           "quotes")
      ->required();
  session.add_format_options(command);
}

}  // namespace genrewise::cli
