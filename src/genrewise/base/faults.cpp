#include "genrewise/base/faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace genrewise {

std::vector<std::pair<std::string, std::size_t>> counts_by_reason(std::span<const Fault> faults) {
  std::map<std::string, std::size_t> counts;
  for (const Fault& fault : faults) ++counts[fault.reason];
  std::vector<std::pair<std::string, std::size_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::greater(), [](const auto& count) { return count.second; });
  return sorted;
}

std::string counts_text(std::span<const Fault> faults) {
  std::string text;
  for (const auto& [reason, count] : counts_by_reason(faults))
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, reason);
  return text;
}

void to_json(nlohmann::json& json, const Fault& fault) {
  json = {{"where", fault.where}, {"reason", fault.reason}, {"detail", fault.detail}};
}

void from_json(const nlohmann::json& json, Fault& fault) {
  fault = {json.at("reason"), json.at("where"), json.at("detail")};
}

}  // namespace genrewise
