#include "completion.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "genrewise/base/text.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/pretrained/pretrained_networks.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

/// The values of one_of(); empty for other options.
std::vector<std::string> choices_of(CLI::Option& option) {
  constexpr std::string_view kStart = "choices\n";
  try {
    for (int i = 0;; ++i) {
      const std::string name = option.get_validator(i)->get_name();
      if (name.starts_with(kStart)) return split_text(name.substr(kStart.size()), '\n');
    }
  } catch (const CLI::OptionNotFound&) {  // there are no more validators
    return {};
  }
}

/// The option of the command, or of the program, that is spelled so.
CLI::Option* option_named(CLI::App& command, const std::string& name) {
  if (name.size() < 2 || name[0] != '-') return nullptr;
  CLI::Option* option = command.get_option_no_throw(name);
  return option == nullptr && command.get_parent() != nullptr ? option_named(*command.get_parent(), name) : option;
}

CLI::App* command_named(CLI::App& above, const std::string& name) {
  const auto found = above.get_subcommands([&](const CLI::App* one) { return one->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

class Candidates {
 public:
  Candidates(CLI::App& program, std::span<const std::string> words) : command_(&program) {
    for (const std::string& word : words.first(words.size() - 1)) pass(word);
    complete(words.back());
  }
  Completions take() { return std::move(found_); }

 private:
  void pass(const std::string& word) {
    if (std::exchange(pending_, nullptr) != nullptr) return;
    if (!only_arguments_ && word == "--") {
      only_arguments_ = true;
    } else if (!only_arguments_ && word.starts_with('-') && word.size() > 1) {
      const std::size_t equals = word.find('=');
      CLI::Option* option = option_named(*command_, word.substr(0, equals));
      if (option != nullptr && takes_value(*option) && equals == std::string::npos) pending_ = option;
    } else if (CLI::App* inner = arguments_ == 0 ? command_named(*command_, word) : nullptr) {
      command_ = inner;
    } else {
      ++arguments_;
    }
  }

  void complete(const std::string& word) {
    const std::size_t equals = word.find('=');
    if (pending_ != nullptr) {
      add_values(*pending_, "", word);
    } else if (!only_arguments_ && word.starts_with("--") && equals != std::string::npos) {
      CLI::Option* option = option_named(*command_, word.substr(0, equals));
      if (option != nullptr && takes_value(*option))
        add_values(*option, word.substr(0, equals + 1), word.substr(equals + 1));
    } else if (!only_arguments_ && word.starts_with('-')) {
      for (CLI::App* app = command_; app != nullptr; app = app->get_parent()) add_options(*app, word);
    } else if (const auto commands = command_->get_subcommands({}); !commands.empty()) {
      for (const CLI::App* one : commands) add(word, one->get_name(), first_line(one->get_description()));
    } else if (CLI::Option* argument = next_argument()) {
      add_values(*argument, "", word);
    }
  }

  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

  void add(const std::string& typed, const std::string& text, const std::string& description = {}) {
    if (text.starts_with(typed)) found_.words.push_back({text, description});
  }

  void add_options(CLI::App& app, const std::string& word) {
    for (const CLI::Option* option : app.get_options({})) {
      if (option->get_group().empty()) continue;
      for (const std::string& name : option->get_lnames()) add(word, "--" + name, option->get_description());
      if (option->get_lnames().empty())
        for (const std::string& name : option->get_snames()) add(word, "-" + name, option->get_description());
    }
  }

  /// The last argument of a command may stand several times.
  CLI::Option* next_argument() {
    CLI::Option* last = nullptr;
    int count = 0;
    for (CLI::Option* option : command_->get_options({})) {
      if (option->nonpositional()) continue;
      last = option;
      if (count++ == arguments_) return option;
    }
    return last != nullptr && last->get_items_expected_max() > 1 ? last : nullptr;
  }

  static bool is_model(const CLI::Option& option) {
    const std::string value = option.get_type_name();
    return option.check_lname("models") || (option.check_lname("model") && value != "FILE") ||
           option.get_name() == "KIND";
  }

  /// Values of `option` that continue `value`; `before` stands in the same word.
  void add_values(CLI::Option& option, const std::string& before, const std::string& value) {
    static constexpr std::string_view kPlaces[] = {"FILE", "FOLDER", "PATH", "RUN", "LOCATION", "[NAME=]PATH"};
    const std::string kind = option.get_type_name(), name = option.get_name();
    if (const auto choices = choices_of(option); !choices.empty()) {
      for (const std::string& choice : choices) add(before + value, before + choice);
    } else if (is_model(option)) {
      add_models(before, value);
    } else if (option.check_lname("features") || (name == "NAME" && command_->get_name() == "features")) {
      const std::size_t begin = value.rfind(',') + 1;
      for (const FeatureSetDescriptor& set : feature_sets())
        add(before + value, before + value.substr(0, begin) + set.name, set.title);
    } else if (name == "NETWORK") {
      for (const PretrainedNetwork& network : pretrained_networks()) add(value, network.name, network.description);
    } else {
      found_.files = std::ranges::find(kPlaces, kind) != std::end(kPlaces) || !option.nonpositional();
    }
  }

  void add_models(const std::string& before, const std::string& value) {
    const std::string typed = before + value, head = before + value.substr(0, value.find_last_of(",/") + 1);
    for (const ClassifierDescriptor* one : classifier_descriptors()) {
      add(typed, head + one->kind, one->title);
      for (const ModelPreset& preset : one->presets)
        if (preset.name != one->kind) add(typed, head + preset.name, preset.title);
    }
  }

  CLI::App* command_;
  CLI::Option* pending_ = nullptr;  ///< its value is the next word
  int arguments_ = 0;
  bool only_arguments_ = false;  ///< behind "--"
  Completions found_;
};

}  // namespace

Completions completions_of(CLI::App& program, std::span<const std::string> words) {
  if (words.empty()) return {};
  return Candidates(program, words).take();
}

std::string completion_lines(const Completions& completions) {
  std::string lines;
  for (const auto& [text, description] : completions.words)
    lines += text + (description.empty() ? "" : "\t" + description) + "\n";
  return lines + (completions.files ? ":files\n" : "");
}

}  // namespace genrewise::cli
