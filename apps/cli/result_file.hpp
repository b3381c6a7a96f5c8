// Results of a command in a file, whole or in parts that `genrewise merge` joins: predict and inspect.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/storage/part_folder.hpp"
#include "session.hpp"

namespace genrewise::cli {

/// A part in the folder OUTPUT.parts: a sealed JSON object with "part", "result" (what the command computes) and
/// "skipped".
struct ResultPart {
  nlohmann::json result;
  std::vector<Fault> skipped;
};

class ResultFile {
 public:
  /// -o.
  void add_to(CLI::App* command);
  bool given() const { return !output_.empty(); }
  /// Makes the name's extension the session's format. Throws UsageError for one that is not .csv or .json, and if
  /// another format was asked for.
  void choose_format(Session& session) const;
  /// Of a part: checks that it belongs to the job whose parts are there. Returns it if it was finished before. `facts`
  /// as in PartPlan; the first is {"command", its name}.
  std::optional<ResultPart> begin(const JobPart& part, std::vector<std::pair<std::string, std::string>> facts) const;
  void write_part(const JobPart& part, const ResultPart& finished) const;
  /// Writes the result to the file, or prints it if there is none.
  void write(Session& session, const std::string& text) const;

 private:
  std::string output_;
};

/// The name of the command whose parts are in OUTPUT.parts; empty if there are no parts of results.
std::string command_of_parts(const std::string& output);
/// All parts, in memory. Throws Error if some are missing (their numbers are listed) or damaged.
std::vector<ResultPart> read_result_parts(const std::string& output);

/// Text of the merged result and how many files or clips it is of. Throws Error if none could be used.
struct MergedResult {
  std::string text;
  std::size_t entries = 0;
};
MergedResult merge_predictions(std::vector<ResultPart> parts, Format format);
MergedResult merge_inspections(std::vector<ResultPart> parts, Format format);

}  // namespace genrewise::cli
