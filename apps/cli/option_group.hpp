// Options as the commands declare them: under a heading of the help page, with a metavariable, allowed values that both
// the help page and a refusal state, and a default.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace genrewise::cli {

inline constexpr char kData[] = "Data";
inline constexpr char kRecords[] = "Records of other programs";
inline constexpr char kSplit[] = "Split";
inline constexpr char kModel[] = "Model";
inline constexpr char kSearch[] = "Search";
inline constexpr char kTraining[] = "Training of networks";
inline constexpr char kOutput[] = "Output";
inline constexpr char kStores[] = "Object stores";
inline constexpr char kGeneral[] = "General";

/// Adds options under one heading:
///
///     OptionGroup search(command, kSearch);
///     in_range(search.add("--folds", job.folds, "K", "Folds of the cross-validation"), 2, 100)->capture_default_str();
class OptionGroup {
 public:
  OptionGroup(CLI::App* command, std::string heading) : command_(command), heading_(std::move(heading)) {}

  /// `metavariable` stands for the value in help and errors; none for a positional argument.
  template <class T>
  CLI::Option* add(const std::string& names, T& variable, const std::string& metavariable,
                   const std::string& description) const {
    return styled(command_->add_option(names, variable, description), metavariable);
  }
  /// `use` is called with the value while the command line is parsed.
  template <class T, class Use>
  CLI::Option* add_function(const std::string& names, Use use, const std::string& metavariable,
                            const std::string& description) const {
    return styled(command_->add_option_function<T>(names, std::move(use), description), metavariable);
  }
  CLI::Option* flag(const std::string& names, bool& variable, const std::string& description) const {
    return command_->add_flag(names, variable, description)->group(heading_);
  }

 private:
  CLI::Option* styled(CLI::Option* option, const std::string& metavariable) const {
    return option->type_name(metavariable)->group(heading_);
  }

  CLI::App* command_;
  std::string heading_;
};

/// Each returns the option, which then refuses other values and states the allowed ones in help.
CLI::Option* in_range(CLI::Option* option, long long least, long long most);
CLI::Option* at_least(CLI::Option* option, long long least);
/// Any unsigned 64-bit number.
CLI::Option* whole_number(CLI::Option* option);
CLI::Option* at_least_seconds(CLI::Option* option, double least, bool itself_allowed);
CLI::Option* in_share_range(CLI::Option* option);
CLI::Option* one_of(CLI::Option* option, std::vector<std::string> choices);

/// "a, b or c"; `last` before the last one.
std::string listed(const std::vector<std::string>& words, const std::string& last = "or");
/// "-o, --output RUN", "DATASET".
std::string spelled(const CLI::Option& option);
/// The shortest way to write it with its value: "-o RUN", "--folds K", "DATASET".
std::string shortest(const CLI::Option& option);

}  // namespace genrewise::cli
