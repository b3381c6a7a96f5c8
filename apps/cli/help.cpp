#include "help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "genrewise/base/text.hpp"
#include "option_group.hpp"
#include "terminal.hpp"

namespace genrewise::cli {
namespace {

constexpr std::size_t kIndent = 2, kGap = 2, kWideNames = 24, kNarrowNames = 18, kNarrowPage = 72;
constexpr std::array kHeadings{kData, kSplit, kModel, kSearch, kTraining, kOutput, kStores, kGeneral};

constexpr std::pair<std::string_view, std::string_view> kExitCodes[] = {
    {"0", "Done"},
    {"1", "Failed"},
    {"2", "Wrong usage"},
    {"3", "Done, but some inputs were skipped; how many and why is printed"},
    {"130", "Interrupted; start the same command again to continue"},
};

/// How a page is written.
class Page {
 public:
  virtual ~Page() = default;
  virtual void begin(const std::string& name, const std::string& summary, const std::string& usage) = 0;
  virtual void paragraph(std::string_view text) = 0;
  virtual void heading(std::string_view title) = 0;
  virtual void entry(const std::string& name, const std::string& description) = 0;
  virtual void command(std::string_view line) = 0;
  std::string take() { return std::move(text_); }

 protected:
  std::string text_;
};

class TerminalPage : public Page {
 public:
  explicit TerminalPage(const HelpLook& look)
      : look_(look), names_(look.width < kNarrowPage ? kNarrowNames : kWideNames) {}

  void begin(const std::string&, const std::string& summary, const std::string& usage) override {
    text_ += wrapped(summary, 0, look_.width) + "\n";
    paragraph("Usage: " + usage);
  }
  void paragraph(std::string_view text) override { text_ += "\n" + wrapped(text, 0, look_.width) + "\n"; }
  void heading(std::string_view title) override {
    const std::string line = fmt::format("{}:", title);
    text_ += "\n" + (look_.colour ? bold(line) : line) + "\n";
  }
  void entry(const std::string& name, const std::string& description) override {
    const std::size_t column = kIndent + names_ + kGap;
    const std::string body = wrapped(description, column, look_.width);
    std::string line(kIndent, ' ');
    line += name;
    if (display_width(name) > names_) {
      text_ += line + "\n" + body + "\n";
    } else {
      line.append(column - kIndent - display_width(name), ' ');
      text_ += line + body.substr(column) + "\n";
    }
  }
  void command(std::string_view line) override { text_ += wrapped_command(line, kIndent, look_.width) + "\n"; }

 private:
  HelpLook look_;
  std::size_t names_;
};

/// The macros of man(7).
class ManualPage : public Page {
 public:
  void begin(const std::string& name, const std::string& summary, const std::string& usage) override {
    text_ += fmt::format(".TH {} 1 \"\" \"genrewise {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n", escaped(name),
                         GENREWISE_VERSION, escaped(name), escaped(summary));
    text_ += fmt::format(".SH SYNOPSIS\n{}\n.SH DESCRIPTION\n{}.\n", escaped(usage), escaped(summary));
  }
  void paragraph(std::string_view text) override { text_ += fmt::format(".PP\n{}\n", escaped(text)); }
  void heading(std::string_view title) override {
    std::string capitals(title);
    for (char& letter : capitals) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    text_ += fmt::format(".SH {}\n", capitals);
  }
  void entry(const std::string& name, const std::string& description) override {
    text_ += fmt::format(".TP\n.B {}\n{}\n", escaped(name), escaped(description));
  }
  void command(std::string_view line) override { text_ += fmt::format(".PP\n.EX\n{}\n.EE\n", escaped(line)); }

 private:
  static std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : text) {
      if (letter == '\\') {
        out += "\\e";
      } else if (letter == '-') {
        out += "\\-";
      } else {
        if (out.empty() && (letter == '.' || letter == '\'')) out += "\\&";
        out += letter;
      }
    }
    return out;
  }
};

std::string heading_of(const CLI::Option& option) {
  const auto known =
      std::ranges::find(kHeadings, option.get_group(), [](const char* name) { return std::string(name); });
  return known == kHeadings.end() ? kGeneral : *known;
}

/// With allowed values and default: "Folds of the cross-validation (2 to 100; default 5)".
std::string described(const CLI::Option& option) {
  std::string facts = option.get_option_text();
  if (!option.get_default_str().empty()) {
    facts += fmt::format("{}default {}", facts.empty() ? "" : "; ", option.get_default_str());
  }
  return facts.empty() ? option.get_description() : fmt::format("{} ({})", option.get_description(), facts);
}

std::vector<const CLI::Option*> shown_options(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return !option->get_group().empty(); });
}

/// --help and --version end the list of options.
bool is_last(const CLI::Option& option) {
  return option.check_lname("help") || option.check_lname("version");
}

const CLI::App& root_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app : root_of(*app.get_parent());
}

/// "genrewise library scan".
std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

/// "genrewise-library-scan", as manual pages are called.
std::string hyphenated_name(const CLI::App& app) {
  std::string name = full_name(app);
  std::ranges::replace(name, ' ', '-');
  return name;
}

bool has_commands(const CLI::App& app) {
  return !app.get_subcommands({}).empty();
}

void add_options(Page& page, const CLI::App& app) {
  for (const char* heading : kHeadings) {
    std::vector<const CLI::Option*> options;
    for (const CLI::Option* option : shown_options(app)) {
      if (heading_of(*option) == heading && !is_last(*option)) options.push_back(option);
    }
    if (heading == std::string_view(kGeneral)) {
      if (app.get_parent() != nullptr) {
        for (const char* name : {"--threads", "--quiet"}) {
          if (const CLI::Option* option = root_of(app).get_option_no_throw(name)) options.push_back(option);
        }
      }
      for (const CLI::Option* option : shown_options(app)) {
        if (is_last(*option)) options.push_back(option);
      }
    }
    if (options.empty()) continue;
    page.heading(heading);
    for (const CLI::Option* option : options) page.entry(spelled(*option), described(*option));
  }
}

std::string usage(const CLI::App& app) {
  std::string line = full_name(app) + (has_commands(app) ? " COMMAND" : "");
  const auto shown = shown_options(app);
  for (const CLI::Option* option : shown) {
    if (option->nonpositional()) continue;
    const bool several = option->get_items_expected_max() > 1;
    const std::string name = shortest(*option) + (several ? "..." : "");
    line += option->get_required() ? " " + name : " [" + name + "]";
  }
  for (const CLI::Option* option : shown) {
    if (option->nonpositional() && option->get_required()) line += " " + shortest(*option);
  }
  return line + " [OPTION]...";
}

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
      : app_(app), error_(error), command_(&chosen_command(app)) {}

  std::string text() const {
    const std::vector<std::string> extra = app_.remaining(true);
    const auto unknown = std::ranges::find_if(extra, is_option);
    if (is<CLI::ValidationError>()) return refused_value();
    if (unknown != extra.end() && (is<CLI::ExtrasError>() || is<CLI::RequiredError>())) return no_option(*unknown);
    if (has_commands(*command_) && !extra.empty()) return no_command(extra.front());
    if (is<CLI::ExtrasError>() && !extra.empty()) {
      return fmt::format("'{}' is one argument too many", printable(extra.front()));
    }
    if (is<CLI::RequiredError>()) return missing();
    if (is<CLI::ExcludesError>() || is<CLI::RequiresError>()) return combination();
    if (const CLI::Option* option = named()) return misused(*option);
    return "the command line cannot be understood";
  }
  std::string see() const { return full_name(*command_) + " --help"; }

 private:
  template <class Kind>
  bool is() const {
    return dynamic_cast<const Kind*>(&error_) != nullptr;
  }

  std::vector<const CLI::Option*> options() const {
    std::vector<const CLI::Option*> all = app_.get_options({});
    if (command_ != &app_) {
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
    for (const CLI::App* command : command_->get_subcommands({})) names.push_back(command->get_name());
    return fmt::format("there is no command '{}'{}", printable(word), suggestion(word, names));
  }

  std::string missing() const {
    if (has_commands(*command_)) return "a command is missing";
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

const CLI::App& chosen_command(const CLI::App& app) {
  const auto used = app.get_subcommands();
  return used.empty() ? app : chosen_command(*used.front());
}

namespace {

void write_page(Page& page, const CLI::App& app) {
  const std::vector<std::string> description = split_text(app.get_description(), '\n');
  page.begin(hyphenated_name(app), description.front(), usage(app));
  for (std::size_t i = 1; i < description.size(); ++i) {
    const std::size_t tab = description[i].find('\t');
    if (tab == std::string::npos) {
      page.paragraph(description[i]);
    } else {
      page.entry(description[i].substr(0, tab), description[i].substr(tab + 1));
    }
  }
  if (const auto commands = app.get_subcommands({}); !commands.empty()) {
    page.heading("Commands");
    for (const CLI::App* command : commands) {
      page.entry(command->get_name(), split_text(command->get_description(), '\n').front());
    }
  }
  add_options(page, app);
  if (!app.get_footer().empty()) {
    page.heading("Examples");
    for (const std::string& line : split_text(app.get_footer(), '\n')) page.command(line);
  }
  const bool is_program = app.get_parent() == nullptr;
  if (is_program) {
    page.heading("Exit codes");
    for (const auto& [code, meaning] : kExitCodes) page.entry(std::string(code), std::string(meaning));
    page.paragraph(
        "Files and folders may also be in an object store: s3://BUCKET/NAME or gs://BUCKET/NAME. Results go to "
        "standard output; messages and progress go to standard error.");
  }
  if (has_commands(app)) page.paragraph("The options and examples of a command: " + full_name(app) + " COMMAND --help");
  if (!is_program)
    page.paragraph(fmt::format("See `{} --help` for the options of all commands.", full_name(root_of(app))));
}

}  // namespace

std::string help_page(const CLI::App& app, const HelpLook& look) {
  TerminalPage page(look);
  write_page(page, app);
  return page.take();
}

void add_manual_pages(std::map<std::string, std::string>& pages, const CLI::App& app) {
  ManualPage page;
  write_page(page, app);
  pages[hyphenated_name(app) + ".1"] = page.take();
  for (const CLI::App* command : app.get_subcommands({})) add_manual_pages(pages, *command);
}

std::string usage_problem(const CLI::App& app, const CLI::ParseError& error) {
  const Problem problem(app, error);
  const std::string text = problem.text();
  return fmt::format("{}{} {}", text, text.ends_with('?') ? " See" : "; see", problem.see());
}

}  // namespace genrewise::cli
