#include "genrewise/storage/part_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr char kRemedy[] = "delete the folder and start the parts again";

std::string text_of(const PartPlan& plan) {
  json facts = json::array();
  for (const auto& [name, value] : plan.facts) facts.push_back({name, value});
  return sealed_text({{"format", "genrewise parts"}, {"parts", plan.count}, {"facts", std::move(facts)}}, 1);
}

}  // namespace

PartFolder::PartFolder(const std::filesystem::path& output, std::string extension)
    : folder_(output.native() + ".parts"), extension_(std::move(extension)) {}

std::filesystem::path PartFolder::part(const JobPart& part) const {
  return join_location(folder_.native(), part_name(part) + extension_);
}

std::filesystem::path PartFolder::plan_path() const {
  return join_location(folder_.native(), "plan.json");
}

void PartFolder::begin(const PartPlan& plan) const {
  make_folders(folder_);
  auto there = this->plan();
  if (!there) {
    if (write_file_if(WriteCondition::absent(), plan_path(), text_of(plan))) return;
    there = this->plan();  // another part was faster
  }
  if (!there) throw Error("its plan.json was removed while parts started", folder_.string(), "start this part again");
  if (there->count != plan.count)
    throw Error(fmt::format("contains parts of {}, not of {}", there->count, plan.count), folder_.string(),
                fmt::format("give --part I/{}, or delete the folder and start all parts again", there->count));
  for (std::size_t i = 0; i < plan.facts.size(); ++i) {
    const auto& [name, value] = plan.facts[i];
    if (i < there->facts.size() && there->facts[i] == plan.facts[i]) continue;
    throw Error(fmt::format("contains parts with another {}: {}, not {}", name,
                            i < there->facts.size() ? there->facts[i].second : "none", value),
                folder_.string(), "choose another output, or delete the folder and start all parts again");
  }
}

std::optional<PartPlan> PartFolder::plan() const {
  if (!file_exists(plan_path())) return std::nullopt;
  const std::string where = plan_path().string();
  const json read = require_sealed_json(read_file(plan_path()), where, kRemedy);
  return read_json(where, kRemedy, [&] {
    PartPlan plan{.count = read.at("parts"), .facts = {}};
    for (const json& fact : read.at("facts")) plan.facts.emplace_back(fact.at(0), fact.at(1));
    if (plan.count == 0 || plan.count > kMostParts) throw Error("states no number of parts", where, kRemedy);
    return std::optional(std::move(plan));
  });
}

void PartFolder::remove() const {
  remove_file(plan_path());
  if (!is_remote(folder_.native())) return remove_tree(folder_);
  for (const FileInfo& file : list_files(folder_)) remove_file(file.location);
}

void require_all_parts(const std::vector<std::size_t>& missing, std::size_t count, const std::string& output) {
  if (missing.empty()) return;
  throw Error(fmt::format("{} of its {} parts {} missing: {}", missing.size(), count,
                          missing.size() == 1 ? "is" : "are", listed_numbers(missing)),
              output, fmt::format("start these with --part I/{}", count));
}

std::string listed_numbers(const std::vector<std::size_t>& numbers) {
  constexpr std::size_t kMost = 10;
  std::vector<std::string> ranges;
  for (std::size_t i = 0; i < numbers.size() && ranges.size() <= kMost;) {
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    if (ranges.size() == kMost)
      ranges.push_back(fmt::format("{} more", numbers.size() - i));
    else
      ranges.push_back(end - i == 1 ? std::to_string(numbers[i]) : fmt::format("{}-{}", numbers[i], numbers[end - 1]));
    i = end;
  }
  if (ranges.size() < 2) return ranges.empty() ? "" : ranges.front();
  const std::string last = std::move(ranges.back());
  ranges.pop_back();
  return fmt::format("{} and {}", fmt::join(ranges, ", "), last);
}

}  // namespace genrewise
