#include "option_group.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "terminal.hpp"

namespace genrewise::cli {
namespace {

/// `valid` decides; `needed` completes "needs ..." in the refusal, `allowed` stands in the help.
template <class Valid>
CLI::Option* restricted(CLI::Option* option, Valid valid, const std::string& needed, const std::string& allowed) {
  option->option_text(allowed);
  return option->check([valid, needed](const std::string& value) {
    return valid(value) ? std::string() : fmt::format("needs {}, not '{}'", needed, printable(value));
  });
}

template <class Number>
CLI::Option* numeric(CLI::Option* option, Number least, Number most, const std::string& needed,
                     const std::string& allowed) {
  const auto valid = [=](const std::string& text) {
    Number number{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc() && end == text.data() + text.size() && number >= least && number <= most;
  };
  return restricted(option, valid, needed, allowed);
}

}  // namespace

CLI::Option* in_range(CLI::Option* option, long long least, long long most) {
  const std::string range = fmt::format("{} to {}", least, most);
  return numeric(option, least, most, "a whole number from " + range, range);
}

CLI::Option* at_least(CLI::Option* option, long long least) {
  return numeric<long long>(option, least, std::numeric_limits<int>::max(),
                            fmt::format("a whole number of at least {}", least),
                            least > 0 ? fmt::format("{} or more", least) : "");
}

CLI::Option* whole_number(CLI::Option* option) {
  return numeric<std::uint64_t>(option, 0, std::numeric_limits<std::uint64_t>::max(), "a whole number of at least 0",
                                "");
}

CLI::Option* at_least_seconds(CLI::Option* option, double least, bool itself_allowed) {
  constexpr double kMost = std::numeric_limits<double>::max();
  const std::string allowed =
      itself_allowed ? fmt::format("{:g} or more", least) : fmt::format("more than {:g}", least);
  return numeric(option, itself_allowed ? least : std::nextafter(least, kMost), kMost,
                 "a number of seconds that is " + allowed, allowed);
}

CLI::Option* in_share_range(CLI::Option* option) {
  return numeric(option, 0.0, 1.0, "a share from 0 to 1", "0 to 1");
}

CLI::Option* one_of(CLI::Option* option, std::vector<std::string> choices) {
  const std::string text = listed(choices);
  // For completion, in the name, because descriptions of validators become part of the metavariable.
  option->check(CLI::Validator().name(fmt::format("choices\n{}", fmt::join(choices, "\n"))));
  const auto valid = [choices = std::move(choices)](const std::string& value) {
    return std::ranges::find(choices, value) != choices.end();
  };
  return restricted(option, valid, text, text);
}

std::string listed(const std::vector<std::string>& words, const std::string& last) {
  if (words.size() < 2) return words.empty() ? "" : words.front();
  return fmt::format("{} {} {}", fmt::join(words.begin(), words.end() - 1, ", "), last, words.back());
}

std::string spelled(const CLI::Option& option) {
  if (!option.nonpositional()) return option.get_name(true, false);
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  std::string text = fmt::format("{}", fmt::join(names, ", "));
  if (option.get_items_expected_max() > 0) text += " " + option.get_type_name();
  return text;
}

std::string shortest(const CLI::Option& option) {
  if (!option.nonpositional()) return option.get_name(true, false);
  std::string text =
      option.get_snames().empty() ? "--" + option.get_lnames().front() : "-" + option.get_snames().front();
  if (option.get_items_expected_max() > 0) text += " " + option.get_type_name();
  return text;
}

}  // namespace genrewise::cli
