#include "genrewise/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "genrewise/base/addresses.hpp"
#include "genrewise/base/filesystem.hpp"

namespace genrewise {
namespace {

std::string joined(const std::string& problem, const std::string& where, const std::string& remedy) {
  std::string text = where.empty() ? problem : where + ": " + problem;
  if (!remedy.empty()) text += "; " + remedy;
  std::ranges::replace(text, '\0', ' ');  // would end what()
  return without_credentials(text);
}

const char* remedy_for(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "the disk is full: free some space or choose another folder";
    case EACCES:
    case EPERM:
      return "check the permissions of the file and its folder";
    case EFBIG:
      return "the file exceeds a limit of sizes: raise it (ulimit -f) or choose another file system";
    case EROFS:
      return "the file system is read-only: choose another folder";
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return "check the path";
    case EMFILE:
      return "too many open files: raise the limit (ulimit -n) or use fewer threads";
    default:
      return "";
  }
}

}  // namespace

Error::Error(std::string problem, std::string where, std::string remedy)
    : std::runtime_error(joined(problem, where, remedy)),
      problem_(without_credentials(problem)),
      where_(without_credentials(where)),
      remedy_(without_credentials(remedy)) {}

std::string to_string(const Fault& fault) {
  std::string text = fault.where.empty() ? fault.reason : fault.where + ": " + fault.reason;
  if (!fault.detail.empty()) text += " (" + fault.detail + ")";
  return without_credentials(text);
}

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
  json = {{"where", without_credentials(fault.where)},
          {"reason", fault.reason},
          {"detail", without_credentials(fault.detail)}};
}

void from_json(const nlohmann::json& json, Fault& fault) {
  fault = {json.at("reason"), json.at("where"), json.at("detail")};
}

Error to_error(const std::filesystem::filesystem_error& error) {
  std::string where = error.path1().string();
  if (!error.path2().empty()) where += " -> " + error.path2().string();
  const std::error_code& code = error.code();
  const bool is_errno = code.category() == std::generic_category() || code.category() == std::system_category();
  return Error("cannot be accessed (" + code.message() + ")", where, is_errno ? remedy_for(code.value()) : "");
}

void throw_system_error(std::string_view problem, std::string_view where) {
  const int code = errno;
  throw Error(std::string(problem) + " (" + std::strerror(code) + ")", std::string(where), remedy_for(code));
}

}  // namespace genrewise
