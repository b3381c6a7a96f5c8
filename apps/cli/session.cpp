#include "session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

namespace genrewise::cli {

CLI::App* Session::add_command(CLI::App& app, const std::string& name, const std::string& description,
                               const std::string& examples, std::function<int()> body) {
  CLI::App* command = app.add_subcommand(name, description);
  std::string footer = "\nExamples:\n";
  for (std::size_t at = 0; at < examples.size();) {
    const std::size_t end = std::min(examples.find('\n', at), examples.size());
    footer += "  " + examples.substr(at, end - at) + "\n";
    at = end + 1;
  }
  command->footer(footer +
                  "\nOptions of every command: --threads N, --quiet, --endpoint URL, --region NAME, --profile NAME "
                  "(see genrewise --help).");
  command->callback([this, body = std::move(body)] { chosen_ = body; });
  return command;
}

void Session::add_format_options(CLI::App* command, bool with_csv) {
  auto* json = command->add_flag_callback(
      "--json", [this] { format = Format::json; }, "print the result as JSON");
  if (!with_csv) return;
  command
      ->add_flag_callback(
          "--csv", [this] { format = Format::csv; }, "print the result as CSV")
      ->excludes(json);
}

void Session::add_seed_option(CLI::App* command) {
  command->add_option("--seed", seed, "same seed, same result")->capture_default_str();
}

Progress& Session::progress() {
  return quiet ? silent_ : terminal_;
}

void Session::say(std::string_view line) {
  progress().note(line);
}

void Session::print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) return;
  if (errno == EPIPE) throw OutputClosed();
  throw_system_error("cannot write the results", "standard output");
}

void Session::print_json(const nlohmann::json& json) {
  print(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void Session::report_skipped(std::span<const Fault> skipped, std::string_view noun) {
  if (skipped.empty()) return;
  constexpr std::size_t kNames = 3;
  std::map<std::string_view, std::vector<const Fault*>> by_reason;
  for (const Fault& fault : skipped) by_reason[fault.reason].push_back(&fault);
  std::vector<std::pair<std::string_view, std::vector<const Fault*>>> reasons(by_reason.begin(), by_reason.end());
  std::ranges::stable_sort(reasons, std::greater(), [](const auto& reason) { return reason.second.size(); });
  std::string text = fmt::format("skipped {} {}:\n", skipped.size(), noun);
  for (const auto& [reason, faults] : reasons) {
    text += fmt::format("  {:>6}  {}\n", faults.size(), printable(reason));
    for (std::size_t i = 0; i < std::min(kNames, faults.size()); ++i) {
      text += "          " + printable(faults[i]->where);
      if (!faults[i]->detail.empty()) text += " (" + printable(faults[i]->detail) + ")";
      text += "\n";
    }
    if (faults.size() > kNames) text += fmt::format("          and {} more\n", faults.size() - kNames);
  }
  text.pop_back();
  terminal_.note(text);
}

void print_result(Session& session, const Table& table, const std::function<nlohmann::json()>& json) {
  switch (session.format) {
    case Format::table:
      return session.print(table.text());
    case Format::csv:
      return session.print(table.csv());
    case Format::json:
      return session.print_json(json());
  }
}

int Session::run() {
  runtime.set_progress(progress());
  return chosen_ ? chosen_() : static_cast<int>(kWrongUsage);
}

}  // namespace genrewise::cli
