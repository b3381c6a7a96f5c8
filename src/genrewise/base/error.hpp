// How trouble is told: Error for faults of the environment or of the caller, Fault for bad input that is expected.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace genrewise {

/// A fault that ends the work: wrong usage of an option, a disk that is full, a file that must be there and is not.
/// Says what happened, where (a path, a line, an option; may be empty) and what the person can do about it (may be
/// empty). what() joins the three: "where: problem; remedy".
class Error : public std::runtime_error {
 public:
  explicit Error(std::string problem, std::string where = {}, std::string remedy = {});

  const std::string& problem() const { return problem_; }
  const std::string& where() const { return where_; }
  const std::string& remedy() const { return remedy_; }

 private:
  std::string problem_, where_, remedy_;
};

/// The person pressed Ctrl-C (or the process got SIGTERM); thrown at the next safe point.
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted", {}, "start the same command again to go on") {}
};

/// A kind, a feature set or the like that there is not.
class UnknownName : public Error {
 public:
  using Error::Error;
};

/// One input that cannot be used. `reason` is a short fixed phrase by which faults are counted ("empty file",
/// "not audio", "truncated"); `where` is the file or the row; `detail` is for a person.
struct Fault {
  std::string reason;
  std::string where;
  std::string detail;
};

/// "where: reason (detail)".
std::string to_string(const Fault& fault);

/// A value, or the Fault that stood in its way.
template <class T>
using Expected = tl::expected<T, Fault>;

/// "where: problem (the system's words for errno)", with a remedy for a full disk, missing rights and a missing file.
/// Call it right after the failed system call. Throws always.
[[noreturn]] void throw_system_error(std::string_view problem, std::string_view where);

}  // namespace genrewise
