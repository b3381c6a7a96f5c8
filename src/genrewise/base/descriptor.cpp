#include "genrewise/base/descriptor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise {
namespace {

bool parse_flag(std::string_view text, bool& value) {
  value = text == "true" || text == "True" || text == "1";
  return value || text == "false" || text == "False" || text == "0";
}

std::string range_text(const Range& range) {
  const auto least = [&] { return fmt::format("{} {}", range.least_open ? "above" : "of at least", range.least); };
  if (range.has_least() && range.has_most()) {
    if (!range.least_open && !range.most_open) return fmt::format(" from {} to {}", range.least, range.most);
    return fmt::format(" {}, {} {}", least(), range.most_open ? "below" : "at most", range.most);
  }
  if (range.has_least()) return " " + least();
  if (range.has_most()) return fmt::format(" {} {}", range.most_open ? "below" : "of at most", range.most);
  return "";
}

ParameterDescriptor make(ParameterType type, std::string name, std::string standard, std::string help, Range range = {},
                         std::vector<std::string> words = {}) {
  return {std::move(name), type, std::move(standard), std::move(help), range, std::move(words)};
}

std::string names_of(std::span<const ParameterDescriptor> parameters) {
  std::vector<std::string> names;
  for (const ParameterDescriptor& one : parameters) names.push_back(one.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::string to_string(const Parameters& parameters) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : parameters) parts.push_back(name + "=" + value);
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string_view to_string(ParameterType type) {
  static constexpr std::string_view names[] = {"boolean", "integer", "number", "choice", "text", "list of integers"};
  return names[static_cast<std::size_t>(type)];
}

std::string_view to_string(Simpler simpler) {
  static constexpr std::string_view names[] = {"named first", "smaller", "larger"};
  return names[static_cast<std::size_t>(simpler)];
}

bool Range::contains(double value) const {
  return (least_open ? value > least : value >= least) && (most_open ? value < most : value <= most);
}

namespace parameter {

ParameterDescriptor boolean(std::string name, std::string standard, std::string help) {
  return make(ParameterType::boolean, std::move(name), std::move(standard), std::move(help));
}
ParameterDescriptor integer(std::string name, std::string standard, Range range, std::string help) {
  return make(ParameterType::integer, std::move(name), std::move(standard), std::move(help), range);
}
ParameterDescriptor number(std::string name, std::string standard, Range range, std::string help) {
  return make(ParameterType::number, std::move(name), std::move(standard), std::move(help), range);
}
ParameterDescriptor choice(std::string name, std::string standard, std::vector<std::string> values, std::string help) {
  return make(ParameterType::choice, std::move(name), std::move(standard), std::move(help), {}, std::move(values));
}
ParameterDescriptor text(std::string name, std::string standard, std::string help) {
  return make(ParameterType::text, std::move(name), std::move(standard), std::move(help));
}
ParameterDescriptor integers(std::string name, std::string standard, Range range, std::string help) {
  return make(ParameterType::integers, std::move(name), std::move(standard), std::move(help), range);
}

}  // namespace parameter

bool allows(const ParameterDescriptor& parameter, std::string_view value) {
  if (std::ranges::find(parameter.words, value) != parameter.words.end()) return true;
  switch (parameter.type) {
    case ParameterType::boolean: {
      bool flag = false;
      return parse_flag(value, flag);
    }
    case ParameterType::integer: {
      long long number = 0;
      return parse_number(value, number) && parameter.range.contains(static_cast<double>(number));
    }
    case ParameterType::number: {
      double number = 0;
      return parse_number(value, number) && std::isfinite(number) && parameter.range.contains(number);
    }
    case ParameterType::choice:
      return false;
    case ParameterType::text:
      return true;
    case ParameterType::integers: {
      std::vector<long long> numbers;
      return parse_integers(value, numbers) && std::ranges::all_of(numbers, [&](long long number) {
               return parameter.range.contains(static_cast<double>(number));
             });
    }
  }
  return false;
}

std::string allowed_text(const ParameterDescriptor& parameter) {
  const std::string words = fmt::format("{}", fmt::join(parameter.words, ", "));
  const std::string instead = words.empty() ? "" : ", or " + words;
  switch (parameter.type) {
    case ParameterType::boolean:
      return "true or false";
    case ParameterType::integer:
      return "a whole number" + range_text(parameter.range) + instead;
    case ParameterType::number:
      return "a number" + range_text(parameter.range) + instead;
    case ParameterType::choice:
      return "one of " + words;
    case ParameterType::text:
      return "a text";
    case ParameterType::integers:
      return "whole numbers like 100 or (100,50), each" + range_text(parameter.range) + instead;
  }
  return {};
}

const ParameterDescriptor* find_parameter(std::span<const ParameterDescriptor> parameters, std::string_view name) {
  const auto found = std::ranges::find_if(parameters, [&](const ParameterDescriptor& one) {
    return one.name == name || (!one.alias.empty() && one.alias == name);
  });
  return found == parameters.end() ? nullptr : &*found;
}

bool parse_integers(std::string_view text, std::vector<long long>& values) {
  if (text.size() >= 2 && text.front() == '(' && text.back() == ')') text = text.substr(1, text.size() - 2);
  values.clear();
  for (;;) {
    const std::size_t comma = text.find(',');
    if (!parse_number(trimmed(text.substr(0, comma)), values.emplace_back())) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
    if (text.empty()) return true;  // Python's tuple of one, "(100,)"
  }
}

ParameterValues::ParameterValues(std::string_view owner, std::span<const ParameterDescriptor> declared,
                                 const Parameters& given, bool dotted) {
  for (const ParameterDescriptor& one : declared) all_[one.name] = one.standard;
  for (const auto& [name, value] : given) {
    const ParameterDescriptor* one = find_parameter(declared, name);
    if (one == nullptr && !(dotted && name.find('.') != std::string::npos)) {
      throw Error(fmt::format("has no parameter '{}'", name), std::string(owner),
                  declared.empty() ? "it has no parameters" : "its parameters are " + names_of(declared));
    }
    if (one != nullptr && !allows(*one, value)) {
      throw Error(fmt::format("{} = '{}' is not allowed", one->name, value), std::string(owner),
                  "give " + allowed_text(*one));
    }
    all_[one == nullptr ? name : one->name] = value;
  }
}

const std::string& ParameterValues::text(std::string_view name) const {
  const auto found = all_.find(name);
  if (found == all_.end()) throw std::logic_error("the parameter " + std::string(name) + " was not declared");
  return found->second;
}

namespace {

/// Calls parse(value), and throws std::logic_error if it fails.
template <class Value, class Parse>
Value parsed(const ParameterValues& values, std::string_view name, const char* type, const Parse& parse) {
  Value value{};
  if (!parse(values.text(name), value)) throw std::logic_error(fmt::format("{} was not declared as {}", name, type));
  return value;
}

}  // namespace

bool ParameterValues::flag(std::string_view name) const {
  return parsed<bool>(*this, name, "a boolean", parse_flag);
}

double ParameterValues::number(std::string_view name) const {
  return parsed<double>(*this, name, "a number", parse_number<double>);
}

long long ParameterValues::integer(std::string_view name) const {
  return parsed<long long>(*this, name, "an integer", parse_number<long long>);
}

std::vector<int> ParameterValues::integers(std::string_view name) const {
  const auto values = parsed<std::vector<long long>>(*this, name, "a list", parse_integers);
  return {values.begin(), values.end()};
}

}  // namespace genrewise
