#include "session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "genrewise/base/addresses.hpp"
#include "genrewise/base/error.hpp"
#include "option_group.hpp"
#include "terminal.hpp"

namespace genrewise::cli {

CLI::App* Session::add_body(CLI::App& app, const std::string& name, const CommandText& text,
                            std::function<int()> body) {
  const std::string separator = text.details.empty() ? "" : "\n";
  CLI::App* command = app.add_subcommand(name, text.summary + separator + text.details);
  command->footer(text.examples);
  command->callback([this, name, body = std::move(body)] {
    command_ = name;
    chosen_ = body;
  });
  return command;
}

void Session::add_format_options(CLI::App* command, bool with_csv) {
  const auto flag = [&](const std::string& name, Format chosen, const std::string& description) {
    return command
        ->add_flag_callback(
            name, [this, chosen] { format = chosen; }, description)
        ->group(kOutput);
  };
  CLI::Option* json = flag("--json", Format::json, "Print the result as JSON");
  if (with_csv) flag("--csv", Format::csv, "Print the result as CSV")->excludes(json);
}

void Session::add_seed_option(CLI::App* command) {
  whole_number(OptionGroup(command, kGeneral)
                   .add("--seed", seed, "N", "Seed of everything random: the same seed gives the same result"))
      ->capture_default_str();
}

Progress& Session::progress() {
  return progress_;
}

void Session::note(std::string_view text) {
  progress().note(text);
}

void Session::notes(std::span<const std::string> texts, std::span<const std::string> general) {
  for (const std::string& text : texts) {
    if (std::ranges::find(general, text) == general.end()) note(text);
  }
}

void Session::line(std::string_view text) {
  progress_.line(text);
}

void Session::print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) return;
  if (errno == EPIPE) throw OutputClosed();
  throw_system_error("cannot write the results", "standard output");
}

void Session::print(const Table& table) {
  print(fitted(table));
}

void Session::print_json(const nlohmann::json& json) {
  print(json_text(json));
}

ExitCode Session::report_skipped(std::span<const Fault> skipped, std::string_view noun) {
  if (skipped.empty()) return kDone;
  constexpr std::size_t kNames = 3, kIndent = 10, kLeastPath = 20;
  std::string text = fmt::format("skipped {} {}:\n", skipped.size(), noun);
  for (const auto& [reason, count] : counts_by_reason(skipped)) {
    text += fmt::format("  {:>6}  {}\n", count, printable(reason));
    std::size_t shown = 0;
    for (const Fault& fault : skipped) {
      if (fault.reason != reason) continue;
      if (++shown > kNames) break;
      const std::string detail =
          fault.detail.empty() ? "" : fmt::format(" ({})", printable(without_credentials(fault.detail)));
      const std::string where = printable(without_credentials(fault.where));
      const std::size_t taken = kIndent + display_width(detail);
      const bool fits = !is_terminal(Stream::err) || taken + kLeastPath > page_width(Stream::err);
      text += std::string(kIndent, ' ') + (fits ? where : shortened_path(where, page_width(Stream::err) - taken)) +
              detail + "\n";
    }
    if (count > kNames) text += fmt::format("          and {} more\n", count - kNames);
  }
  text.pop_back();
  progress_.skipped(text, skipped.size());
  return kSomeSkipped;
}

void print_result(Session& session, const Table& table, const std::function<nlohmann::json()>& json) {
  if (session.format == Format::json) return session.print_json(json());
  if (session.format == Format::csv) return session.print(table.csv());
  session.print(table);
}

std::string json_text(const nlohmann::json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string fitted(const Table& table) {
  return table.text({.width = table_width(), .colour = has_colour(Stream::out)});
}

int Session::run() {
  progress_.configure(log_format, quiet, metrics_file, command_);
  runtime.set_progress(progress_);
  const int code = chosen_ ? chosen_() : static_cast<int>(kWrongUsage);
  progress_.ended(code);
  return code;
}

}  // namespace genrewise::cli
