#include "result_file.hpp"

#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/storage/files.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;

constexpr char kAgain[] = "delete it and start this part again";

PartFolder folder_of(const std::string& output) {
  return {output, ".json"};
}

/// Empty if the part is not there.
std::optional<ResultPart> read_part(const std::string& output, const JobPart& part) {
  const std::string where = folder_of(output).part(part).string();
  if (!file_exists(where)) return std::nullopt;
  json read = require_sealed_json(read_file(where), where, kAgain);
  return read_json(where, kAgain, [&] {
    if (read.at("part") != to_string(part)) throw Error("states that it is another part", where, kAgain);
    return std::optional(ResultPart{std::move(read.at("result")), read.at("skipped").get<std::vector<Fault>>()});
  });
}

}  // namespace

void ResultFile::add_to(CLI::App* command) {
  OptionGroup(command, kOutput)
      .add("-o,--output", output_, "FILE",
           "Write the result to NAME.csv or NAME.json; with --part a part of it, for `genrewise merge`")
      ->default_str("standard output");
}

void ResultFile::choose_format(Session& session) const {
  if (!given()) return;
  const std::string extension = std::filesystem::path(output_).extension().string();
  if (extension != ".csv" && extension != ".json")
    throw UsageError("ends in neither .csv nor .json", output_, "choose one of these extensions");
  const Format format = extension == ".csv" ? Format::csv : Format::json;
  if (session.format != Format::table && session.format != format)
    throw UsageError(fmt::format("is not a name for {}", session.format == Format::csv ? "--csv" : "--json"), output_,
                     "leave that option out");
  session.format = format;
}

std::optional<ResultPart> ResultFile::begin(const JobPart& part,
                                            std::vector<std::pair<std::string, std::string>> facts) const {
  folder_of(output_).begin({part.count, std::move(facts)});
  return read_part(output_, part);
}

void ResultFile::write_part(const JobPart& part, const ResultPart& finished) const {
  // Another process may have finished the same part meanwhile: then that one counts.
  write_file_if(
      WriteCondition::absent(), folder_of(output_).part(part),
      sealed_text({{"part", to_string(part)}, {"result", finished.result}, {"skipped", finished.skipped}}, 1));
}

void ResultFile::write(Session& session, const std::string& text) const {
  if (given())
    write_file(output_, text);
  else
    session.print(text);
}

std::string command_of_parts(const std::string& output) {
  const auto plan = folder_of(output).plan();
  return plan && !plan->facts.empty() && plan->facts[0].first == "command" ? plan->facts[0].second : "";
}

std::vector<ResultPart> read_result_parts(const std::string& output) {
  const PartFolder folder = folder_of(output);
  const std::size_t count = folder.plan().value().count;
  std::vector<ResultPart> parts;
  std::vector<std::size_t> missing;
  for (std::size_t number = 1; number <= count; ++number) {
    if (auto part = read_part(output, {number, count}))
      parts.push_back(std::move(*part));
    else
      missing.push_back(number);
  }
  require_all_parts(missing, count, output);
  return parts;
}

}  // namespace genrewise::cli
