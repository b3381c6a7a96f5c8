#include "genrewise/models/candidates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise::grammar {
namespace {

constexpr double kMostValues = 10000;
constexpr std::string_view kBreaks = ",:|()";  // not allowed in a bare value

[[noreturn]] void refuse(std::string_view whole, std::size_t at, std::string_view problem, std::string_view remedy) {
  throw Error(fmt::format("at character {}: {}", at + 1, problem), fmt::format("\"{}\"", whole), std::string(remedy));
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The canonical form of a value: parentheses only where required, and no blanks beside commas.
std::string canonical_value(const Part& part) {
  std::string_view text = part.text();
  if (!text.starts_with('(')) {
    if (const std::size_t bracket = text.find('('); bracket != std::string_view::npos)
      refuse(part.whole, part.begin + bracket, "a parenthesis within a value", "put the whole value in parentheses");
    return std::string(text);
  }
  if (split(part, [&](std::size_t at) { return part.whole[at] == ')'; }).front().end != part.end - 1 ||
      !text.ends_with(')'))
    part.refuse("there is text after the parentheses of a value",
                "separate candidates by commas, as in (100),(100,50)");
  text = text.substr(1, text.size() - 2);
  std::string kept;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t next = text.find_first_not_of(' ', i);
    const bool at_edge = kept.empty() || kept.back() == ',' || next == std::string_view::npos || text[next] == ',';
    if (text[i] != ' ' || !at_edge) kept += text[i];
  }
  if (kept.find_first_of(kBreaks) == std::string::npos) return kept;
  return fmt::format("({})", kept);
}

std::string number_text(double value) {
  parse_number(fmt::format("{:.12g}", value), value);
  return fmt::format("{}", value);
}

std::vector<double> numbers_of(const std::vector<Part>& parts) {
  std::vector<double> numbers(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parse_number(parts[i].text(), numbers[i]) || !std::isfinite(numbers[i]))
      parts[i].refuse(fmt::format("\"{}\" is not a number", parts[i].text()),
                      "a range is START:STOP:STEP or log:FROM:TO:COUNT; other values with colons stand in parentheses");
  }
  return numbers;
}

std::vector<std::string> range(const std::vector<Part>& parts) {
  const auto numbers = numbers_of(parts);
  const double start = numbers[0], stop = numbers[1], step = numbers.size() == 3 ? numbers[2] : 1;
  if (step <= 0 || stop < start || (stop - start) / step > kMostValues)
    parts.front().refuse("the range does not end", "give START:STOP:STEP with STOP above START and STEP above 0");
  std::vector<std::string> values;
  const auto count = static_cast<std::size_t>((stop - start) / step + 1e-9) + 1;
  for (std::size_t i = 0; i < count; ++i) values.push_back(number_text(start + static_cast<double>(i) * step));
  return values;
}

std::vector<std::string> powers(const std::vector<Part>& parts) {
  const auto numbers = numbers_of(parts);
  const double from = numbers[0], to = numbers[1], count = numbers[2];
  if (count < 2 || count != std::floor(count) || count > kMostValues)
    parts.back().refuse("the count is not an integer of at least 2", "write log:FROM:TO:COUNT, as in log:-2:2:9");
  std::vector<std::string> values;
  for (double i = 0; i < count; ++i) values.push_back(number_text(std::pow(10, from + (to - from) * i / (count - 1))));
  return values;
}

}  // namespace

void Part::refuse(std::string_view problem, std::string_view remedy) const {
  grammar::refuse(whole, begin, problem, remedy);
}

std::optional<std::size_t> name_end(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && (is_letter(text[end]) || (end > at && (text[end] == '.' || is_digit(text[end]))))) ++end;
  return end > at && end < text.size() && text[end] == '=' ? std::optional(end) : std::nullopt;
}

std::vector<Part> split(const Part& part, const std::function<bool(std::size_t)>& is_end) {
  std::vector<Part> parts;
  std::vector<std::size_t> open;
  std::size_t begin = part.begin;
  for (std::size_t at = part.begin; at < part.end; ++at) {
    const char c = part.whole[at];
    if (c == '(') open.push_back(at);
    if (c == ')') {
      if (open.empty()) refuse(part.whole, at, "\")\" closes nothing", "write a list as (100,50)");
      open.pop_back();
    }
    if (!open.empty() || !is_end(at)) continue;
    parts.push_back({part.whole, begin, at});
    begin = at + 1;
  }
  if (!open.empty()) refuse(part.whole, open.back(), "\"(\" is not closed", "write a list as (100,50)");
  parts.push_back({part.whole, begin, part.end});
  return parts;
}

std::vector<Part> split(const Part& part, char separator) {
  return split(part, [&](std::size_t at) { return part.whole[at] == separator; });
}

std::string value_text(const std::string& value) {
  const bool whole = value.starts_with('(') && value.ends_with(')');
  return whole || value.find_first_of(kBreaks) == std::string::npos ? value : fmt::format("({})", value);
}

Candidates parse_candidates(const Part& part, std::string_view name) {
  for (const Part& bar : split(part, '|'))
    if (bar.end != part.end)
      refuse(part.whole, bar.end, "candidates are separated by commas", fmt::format("write {}={}", name, [&] {
               std::string text(part.text());
               std::ranges::replace(text, '|', ',');
               return text;
             }()));
  Candidates found;
  std::vector<Part> parts = split(part, ':');
  if (parts.size() == 1) {
    found.parts = split(part, ',');
    for (const Part& value : found.parts) {
      if (value.text().empty()) value.refuse("a value is missing", fmt::format("write {}=VALUE,VALUE", name));
      found.values.push_back(canonical_value(value));
    }
    return found;
  }
  found.is_range = true;
  found.parts = {part};
  if (parts.size() == 4 && parts.front().text() == "log") {
    parts.erase(parts.begin());
    found.values = powers(parts);
  } else if (parts.size() <= 3) {
    found.values = range(parts);
  } else {
    part.refuse("too many colons", "a range is START:STOP:STEP or log:FROM:TO:COUNT");
  }
  return found;
}

Assignment parse_assignment(const Part& part) {
  const auto end = name_end(part.whole.substr(0, part.end), part.begin);
  if (!end)
    part.refuse(fmt::format("\"{}\" is not a parameter", part.text()),
                "write NAME=VALUE, as in C=10, or several candidates, as in C=0.1,1,10");
  return {std::string(part.whole.substr(part.begin, *end - part.begin)),
          {part.whole, part.begin, *end},
          {part.whole, *end + 1, part.end}};
}

}  // namespace genrewise::grammar
