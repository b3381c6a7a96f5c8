// genrewise list: files of a folder or an object store.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise list 's3://bucket/packs/*/manifest.json'\n"
    "genrewise list 's3://bucket/packs/mel224/*.tfrec' --json\n"
    "genrewise list gs://bucket/models/ --csv";

int run(const std::string& pattern, Session& session) {
  using enum Table::Align;
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
  if (count == 0) throw Error("there are no files", pattern, "check the location; ** matches sub-folders too");
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
