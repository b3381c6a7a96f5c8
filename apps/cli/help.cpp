#include "help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "genrewise/base/text.hpp"
#include "option_group.hpp"
#include "terminal.hpp"
#include "text_layout.hpp"

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

class Page {
 public:
  explicit Page(const HelpLook& look) : look_(look), names_(look.width < kNarrowPage ? kNarrowNames : kWideNames) {}

  void paragraph(std::string_view text) { text_ += wrapped(text, 0, look_.width) + "\n"; }
  void heading(std::string_view title) {
    const std::string line = fmt::format("{}:", title);
    text_ += "\n" + (look_.colour ? bold(line) : line) + "\n";
  }
  void entry(const std::string& name, const std::string& description) {
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
  void command(std::string_view line) { text_ += wrapped_command(line, kIndent, look_.width) + "\n"; }
  void blank() { text_ += "\n"; }
  std::string take() { return std::move(text_); }

 private:
  HelpLook look_;
  std::size_t names_;
  std::string text_;
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

void add_options(Page& page, const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  for (const char* heading : kHeadings) {
    std::vector<const CLI::Option*> options;
    for (const CLI::Option* option : shown_options(app)) {
      if (heading_of(*option) == heading && !is_last(*option)) options.push_back(option);
    }
    if (heading == std::string_view(kGeneral)) {
      if (parent != nullptr) {
        for (const char* name : {"--threads", "--quiet"}) {
          if (const CLI::Option* option = parent->get_option_no_throw(name)) options.push_back(option);
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

std::string usage(const CLI::App& app, const std::string& program) {
  std::string line = app.get_parent() == nullptr ? program + " COMMAND" : program + " " + app.get_name();
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

}  // namespace

std::string help_page(const CLI::App& app, const HelpLook& look) {
  Page page(look);
  const CLI::App* parent = app.get_parent();
  const std::string program = parent == nullptr ? app.get_name() : parent->get_name();
  const std::vector<std::string> description = split_text(app.get_description(), '\n');
  page.paragraph(description.front());
  page.blank();
  page.paragraph("Usage: " + usage(app, program));
  for (std::size_t i = 1; i < description.size(); ++i) {
    const std::size_t tab = description[i].find('\t');
    if (tab == std::string::npos) {
      page.blank();
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
  if (parent == nullptr) {
    page.heading("Exit codes");
    for (const auto& [code, meaning] : kExitCodes) page.entry(std::string(code), std::string(meaning));
    page.blank();
    page.paragraph(
        "Files and folders may also be in an object store: s3://BUCKET/NAME or gs://BUCKET/NAME. Results go to "
        "standard output; messages and progress go to standard error.");
    page.blank();
    page.paragraph("The options and examples of a command: " + program + " COMMAND --help");
  } else {
    page.blank();
    page.paragraph(fmt::format("See `{} --help` for the options of all commands.", program));
  }
  return page.take();
}

}  // namespace genrewise::cli
