/// @file
/// Error reporting: `Error` (thrown) for failures of the environment or the caller, `Fault` (a value) for expected bad
/// input.
/// @code{.cpp}
/// throw genrewise::Error("has no header row", path, "add a first row with column names");
/// return tl::unexpected(genrewise::Fault{"truncated", path, "12 of 30 s"});  // from a function that returns Expected
/// @endcode
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace genrewise {

/// A failure that ends the operation: wrong usage of an option, a full disk, a required file that is missing. Holds
/// what happened, where (path, line or option; may be empty) and the remedy (may be empty). what() is "where: problem;
/// remedy".
class Error : public std::runtime_error {
 public:
  explicit Error(std::string problem, std::string where = {}, std::string remedy = {});

  const std::string& problem() const { return problem_; }
  const std::string& where() const { return where_; }
  const std::string& remedy() const { return remedy_; }

 private:
  std::string problem_, where_, remedy_;
};

/// The user pressed Ctrl-C (or the process received SIGTERM); thrown at the next safe point.
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted", {}, "run the same command again to continue") {}
};

/// Wrong usage; `where` is the option. Programs exit with code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// The requested name (of a classifier, a feature set, ...) does not exist.
class UnknownName : public UsageError {
 public:
  using UsageError::UsageError;
};

/// One input that cannot be used. `reason` is a short fixed phrase ("empty file", "not audio", "truncated"), by which
/// faults are counted; `where` is the file or row; `detail` is free text for messages.
struct Fault {
  std::string reason;
  std::string where;
  std::string detail;
};

/// The fault as text: "where: reason (detail)".
std::string to_string(const Fault& fault);

/// Reasons with their counts, most frequent first, ties by name.
std::vector<std::pair<std::string, std::size_t>> counts_by_reason(std::span<const Fault> faults);

/// Counts by reason as text: "12 empty file, 3 not audio".
std::string counts_text(std::span<const Fault> faults);

/// An object with the keys "where", "reason" and "detail".
void to_json(nlohmann::json& json, const Fault& fault);
void from_json(const nlohmann::json& json, Fault& fault);

/// A value, or the Fault that explains why there is none.
template <class T>
using Expected = tl::expected<T, Fault>;

/// Throws Error "where: problem (text for errno)", with a remedy for a full disk, missing permissions and a missing
/// file. Call it directly after the failed system call.
[[noreturn]] void throw_system_error(std::string_view problem, std::string_view where);

}  // namespace genrewise
