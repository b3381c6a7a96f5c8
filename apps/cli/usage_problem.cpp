#include "usage_problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "option_group.hpp"
#include "text_layout.hpp"

namespace genrewise::cli {
namespace {

constexpr std::size_t kLikelyTypos = 2;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// "; did you mean --folds?", or nothing where no name is near.
std::string suggestion(const std::string& word, const std::vector<std::string>& names) {
  const std::string* nearest = nullptr;
  std::size_t least = kLikelyTypos + 1;
  for (const std::string& name : names) {
    const std::size_t distance = edit_distance(word, name);
    if (distance < least && distance < name.size() / 2) {
      least = distance;
      nearest = &name;
    }
  }
  return nearest == nullptr ? "" : fmt::format("; did you mean {}?", *nearest);
}

bool is_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9');
}

class Problem {
 public:
  Problem(const CLI::App& app, const CLI::ParseError& error)
      : app_(app), error_(error), command_(app.get_subcommands().empty() ? nullptr : app.get_subcommands().front()) {}

  std::string text() const {
    const std::vector<std::string> extra = app_.remaining(true);
    const auto unknown = std::ranges::find_if(extra, is_option);
    if (is<CLI::ValidationError>()) return refused_value();
    if (unknown != extra.end() && (is<CLI::ExtrasError>() || is<CLI::RequiredError>())) return no_option(*unknown);
    if (command_ == nullptr && !extra.empty()) return no_command(extra.front());
    if (is<CLI::ExtrasError>() && !extra.empty()) {
      return fmt::format("'{}' is one argument too many", printable(extra.front()));
    }
    if (is<CLI::RequiredError>()) return missing();
    if (is<CLI::ExcludesError>() || is<CLI::RequiresError>()) return combination();
    if (const CLI::Option* option = named()) return misused(*option);
    return "the command line cannot be understood";
  }
  std::string see() const {
    return command_ == nullptr ? app_.get_name() + " --help" : app_.get_name() + " " + command_->get_name() + " --help";
  }

 private:
  template <class Kind>
  bool is() const {
    return dynamic_cast<const Kind*>(&error_) != nullptr;
  }

  std::vector<const CLI::Option*> options() const {
    std::vector<const CLI::Option*> all = app_.get_options({});
    if (command_ != nullptr) {
      const auto own = command_->get_options({});
      all.insert(all.begin(), own.begin(), own.end());
    }
    return all;
  }

  /// The option that the parser's message names first.
  const CLI::Option* named() const {
    const std::string_view message = error_.what();
    const CLI::Option* first = nullptr;
    std::pair<std::size_t, std::size_t> best{std::string_view::npos, 0};  // where, and how much of a name follows
    for (const CLI::Option* option : options()) {
      const std::string name = option->get_name();
      const std::size_t at = message.find(name);
      if (at < best.first || (at == best.first && at != std::string_view::npos && name.size() > best.second)) {
        best = {at, name.size()};
        first = option;
      }
    }
    return first;
  }

  /// Validators complete the sentence that the option's name begins.
  std::string refused_value() const {
    std::string text = error_.what();
    if (const std::size_t colon = text.find(": "); colon != std::string::npos) text.erase(colon, 1);
    return text;
  }

  std::string no_option(const std::string& word) const {
    const std::string name = word.substr(0, word.find('='));
    std::vector<std::string> names;
    for (const CLI::Option* option : options()) {
      for (const std::string& known : option->get_lnames()) names.push_back("--" + known);
    }
    return fmt::format("there is no option {}{}", printable(name), suggestion(name, names));
  }

  std::string no_command(const std::string& word) const {
    std::vector<std::string> names;
    for (const CLI::App* command : app_.get_subcommands({})) names.push_back(command->get_name());
    return fmt::format("there is no command '{}'{}", printable(word), suggestion(word, names));
  }

  std::string missing() const {
    if (command_ == nullptr) return "a command is missing";
    std::vector<std::string> names;
    for (const CLI::Option* option : command_->get_options({})) {
      if (option->get_required() && option->count() == 0) names.push_back(shortest(*option));
    }
    if (names.empty()) return "an argument is missing";
    return fmt::format("{} {} missing", listed(names, "and"), names.size() == 1 ? "is" : "are");
  }

  std::string combination() const {
    for (const CLI::Option* option : options()) {
      if (option->count() == 0) continue;
      for (const CLI::Option* other : option->get_excludes()) {
        if (other->count() > 0) {
          return fmt::format("{} and {} cannot be used together; leave one of them out", option->get_name(),
                             other->get_name());
        }
      }
      for (const CLI::Option* other : option->get_needs()) {
        if (other->count() == 0) return fmt::format("{} needs {} too", option->get_name(), shortest(*other));
      }
    }
    return "these options cannot be used together";
  }

  std::string misused(const CLI::Option& option) const {
    const auto values = option.results();
    if (option.get_items_expected_max() == 0) return fmt::format("{} takes no value", option.get_name());
    if (is<CLI::ArgumentMismatch>()) {
      return values.size() > 1 ? fmt::format("{} is given more than once", option.get_name())
                               : fmt::format("{} needs a value, as in {}", option.get_name(), shortest(option));
    }
    return fmt::format("{} cannot be '{}'", option.get_name(), values.empty() ? "" : printable(values.front()));
  }

  const CLI::App& app_;
  const CLI::ParseError& error_;
  const CLI::App* command_;
};

}  // namespace

std::string usage_problem(const CLI::App& app, const CLI::ParseError& error) {
  const Problem problem(app, error);
  const std::string text = problem.text();
  return fmt::format("{}{} {}", text, text.ends_with('?') ? " See" : "; see", problem.see());
}

}  // namespace genrewise::cli
