// Reading a learner's parameters, with errors that name what there is.
#pragma once

#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// The parameters of one learner: its defaults with the given values in their place. Every reader throws Error that
/// names learner, parameter, value and what is allowed.
class ParameterReader {
 public:
  /// Throws Error for a name that has no default, listing those that have.
  ParameterReader(std::string_view kind, Parameters defaults, const Parameters& given);

  const Parameters& all() const { return all_; }
  const std::string& text(std::string_view name) const;
  std::string one_of(std::string_view name, std::initializer_list<std::string_view> choices) const;
  bool flag(std::string_view name) const;
  double number(std::string_view name, double least, double most = std::numeric_limits<double>::max()) const;
  /// Greater than 0.
  double positive(std::string_view name) const;
  long long integer(std::string_view name, long long least,
                    long long most = std::numeric_limits<long long>::max()) const;
  /// "100" or "100,50" or "(100, 50)": whole numbers, each at least 1.
  std::vector<int> integers(std::string_view name) const;
  bool is(std::string_view name, std::string_view value) const { return text(name) == value; }

 private:
  [[noreturn]] void refuse(std::string_view name, const std::string& allowed) const;

  std::string kind_;
  Parameters all_;
};

}  // namespace genrewise
