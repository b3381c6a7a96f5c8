#include "genrewise/models/classical/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

std::string listed(const auto& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

ParameterReader::ParameterReader(std::string_view kind, Parameters defaults, const Parameters& given)
    : kind_(kind), all_(std::move(defaults)) {
  for (const auto& [name, value] : given) {
    const auto found = all_.find(name);
    if (found == all_.end()) {
      std::vector<std::string> names;
      for (const auto& [known, unused] : all_) names.push_back(known);
      throw Error("has no parameter '" + name + "'", kind_,
                  names.empty() ? "it has none" : "its parameters are " + listed(names));
    }
    found->second = value;
  }
}

const std::string& ParameterReader::text(std::string_view name) const {
  return all_.find(name)->second;
}

void ParameterReader::refuse(std::string_view name, const std::string& allowed) const {
  throw Error(fmt::format("{} = '{}' is not allowed", name, text(name)), kind_, fmt::format("give {}", allowed));
}

std::string ParameterReader::one_of(std::string_view name, std::initializer_list<std::string_view> choices) const {
  if (std::ranges::find(choices, text(name)) == choices.end()) refuse(name, "one of " + listed(choices));
  return text(name);
}

bool ParameterReader::flag(std::string_view name) const {
  const std::string& value = text(name);
  if (value == "true" || value == "True" || value == "1") return true;
  if (value == "false" || value == "False" || value == "0") return false;
  refuse(name, "true or false");
}

double ParameterReader::number(std::string_view name, double least, double most) const {
  double value = 0;
  if (!parse_number(text(name), value) || !std::isfinite(value) || value < least || value > most)
    refuse(name, most < std::numeric_limits<double>::max()       ? fmt::format("a number from {} to {}", least, most)
                 : least > std::numeric_limits<double>::lowest() ? fmt::format("a number of at least {}", least)
                                                                 : "a number");
  return value;
}

double ParameterReader::positive(std::string_view name) const {
  double value = 0;
  if (!parse_number(text(name), value) || !std::isfinite(value) || value <= 0) refuse(name, "a number above 0");
  return value;
}

long long ParameterReader::integer(std::string_view name, long long least, long long most) const {
  long long value = 0;
  if (!parse_number(text(name), value) || value < least || value > most)
    refuse(name, most < std::numeric_limits<long long>::max() ? fmt::format("a whole number from {} to {}", least, most)
                                                              : fmt::format("a whole number of at least {}", least));
  return value;
}

std::vector<int> ParameterReader::integers(std::string_view name) const {
  std::vector<int> values;
  std::string item;
  const auto take = [&] {
    long long value = 0;
    if (!parse_number(item, value) || value < 1 || value > 1'000'000) refuse(name, "whole numbers like 100 or 100,50");
    values.push_back(static_cast<int>(value));
    item.clear();
  };
  for (char c : text(name)) {
    if (c == ',' && !item.empty()) take();
    if (std::string_view(" ,()[]").find(c) == std::string_view::npos) item += c;
  }
  if (!item.empty() || values.empty()) take();
  return values;
}

}  // namespace genrewise
