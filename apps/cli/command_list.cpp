// genrewise list: what lies in a place, also of an object store.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/storage/disk_space.hpp"
#include "genrewise/storage/wildcards.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise list 's3://bucket/packs/*/manifest.json'\n"
    "genrewise list 's3://bucket/packs/mel224/*.tfrec' --json\n"
    "genrewise list gs://bucket/models/ --csv";

int run(const std::string& pattern, Session& session) {
  using enum Table::Align;
  Table table({{"bytes", right}, {"modified"}, {"place"}});
  nlohmann::json objects = nlohmann::json::array();
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  for (const FileInfo& object : list_matching(pattern)) {
    table.add_row({std::to_string(object.bytes), object.modified, object.location});
    objects.push_back({{"place", object.location}, {"bytes", object.bytes}, {"modified", object.modified}});
    bytes += object.bytes;
    ++count;
  }
  if (count == 0) throw Error("there is nothing", pattern, "check the place; ** looks below folders too");
  print_result(session, table, [&] { return nlohmann::json{{"objects", objects}, {"bytes", bytes}}; });
  session.say(fmt::format("{} objects, {}", count, readable_size(bytes)));
  return kDone;
}

}  // namespace

void add_list(CLI::App& app, Session& session) {
  auto pattern = std::make_shared<std::string>();
  CLI::App* command = session.add_command(app, "list", "what lies in a place, here or in an object store", kExamples,
                                          [pattern, &session] { return run(*pattern, session); });
  command
      ->add_option(
          "place", *pattern,
          "a folder, bucket, file or pattern: * and ? (not over a slash), ** (also over slashes), [a-z]; put it "
          "in quotes, so that the shell leaves it as it is")
      ->required();
  session.add_format_options(command);
}

}  // namespace genrewise::cli
