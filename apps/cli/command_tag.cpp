// genrewise tag: genres of the catalogue -> tags of the files, with undo.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/library/edit_tags.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/library/track_json.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;

constexpr char kDetails[] =
    "Shows what would be written; --apply writes it. Every file is changed in a copy that is read back and compared "
    "and "
    "then replaces the file; --undo restores the old bytes. See docs/library.md.";
constexpr char kExamples[] =
    "genrewise tag 'confidence:>0.8'\n"
    "genrewise tag 'confidence:>0.8' --apply\n"
    "genrewise tag ~/Music/new --min-confidence 0.7 --mode append --apply\n"
    "genrewise tag genre:Rock --write grouping --mode replace --apply\n"
    "genrewise tag 'artist:beatles' --write artist --value 'The Beatles' --mode replace\n"
    "genrewise tag --history\n"
    "genrewise tag --undo";

struct Options {
  TrackOptions tracks;
  TagConfig tags;
  std::string mode = "fill";
  bool apply = false, dry_run = false;
  std::optional<std::int64_t> undo, history;  // 0: no batch was given
};

std::string text_of(const std::vector<std::string>& values) {
  return fmt::format("{}", fmt::join(values, "; "));
}

using Changes = std::vector<std::pair<TagChange, std::string>>;  // with a state

void print_changes(Session& session, json facts, const Changes& changes) {
  const auto wrap = Table::Overflow::wrap;
  Table table({{"file", Table::Align::left, Table::Overflow::path},
               {"field"},
               {"before", Table::Align::left, wrap},
               {"after", Table::Align::left, wrap},
               {"state"}});
  facts["changes"] = json::array();
  for (const auto& [change, state] : changes) {
    table.add_row({change.path.string(), change.field, text_of(change.before), text_of(change.after), state});
    json one = to_json(change);
    one["state"] = state;
    facts["changes"].push_back(std::move(one));
  }
  if (!table.empty() || session.format != Format::table) print_result(session, table, [&] { return facts; });
}

Changes with_state(std::span<const TagChange> changes, const char* state) {
  Changes list;
  for (const TagChange& change : changes) list.emplace_back(change, state);
  return list;
}

/// Prints what was done, also where an Error ended it, which is then thrown.
int report(Session& session, const TagResult& result, const std::vector<Fault>& skipped_before, const char* done,
           json facts) {
  std::vector<Fault> skipped = skipped_before;
  skipped.insert(skipped.end(), result.skipped.begin(), result.skipped.end());
  facts.update({{"batch", result.batch}, {"skipped", skipped}});
  print_changes(session, facts, with_state(result.changes, done));
  session.line(fmt::format("{} files {}{}", result.changes.size(), done,
                           result.batch > 0 ? fmt::format(", batch {}", result.batch) : ""));
  const ExitCode code = session.report_skipped(skipped, "files");
  if (result.stopped) std::rethrow_exception(result.stopped);
  return code;
}

int show_history(const Options& options, Session& session) {
  const Catalogue catalogue = options.tracks.open();
  if (*options.history > 0) {
    print_changes(session, {{"batch", *options.history}}, tag_changes(catalogue, *options.history));
    return kDone;
  }
  json list = json::array();
  using enum Table::Align;
  Table table(
      {{"batch", right}, {"time"}, {"files", right}, {"undone", right}, {"command", left, Table::Overflow::wrap}});
  for (const TagBatch& batch : tag_history(catalogue)) {
    const std::string time = fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(batch.time_s));
    table.add_row(
        {std::to_string(batch.id), time, std::to_string(batch.files), std::to_string(batch.undone), batch.command});
    list.push_back(to_json(batch));
  }
  print_result(session, table, [&] { return json{{"batches", list}}; });
  return kDone;
}

int undo(const Options& options, Session& session) {
  if (options.dry_run) {
    auto changes = tag_changes(options.tracks.open(), *options.undo);
    std::erase_if(changes, [](const auto& change) { return change.second == "undone"; });
    for (auto& [change, state] : changes) std::swap(change.before, change.after), state = "would be restored";
    print_changes(session, {{"dry_run", true}}, changes);
    return kDone;
  }
  Catalogue catalogue = options.tracks.open(Catalogue::Access::write);
  return report(session, undo_tags(catalogue, *options.undo, session.runtime), {}, "restored", json::object());
}

int run(Options& options, Session& session) {
  if ((options.history || options.undo) && !options.tracks.query.empty())
    throw UsageError("takes no query, only the number of a batch", options.undo ? "--undo" : "--history");
  if (options.history) return show_history(options, session);
  if (options.undo) return undo(options, session);
  TagConfig& config = options.tags;
  config.mode = options.mode == "fill" ? TagMode::fill : options.mode == "append" ? TagMode::append : TagMode::replace;
  Catalogue catalogue = options.tracks.open(options.apply ? Catalogue::Access::write : Catalogue::Access::read);
  const auto tracks = options.tracks.tracks(catalogue, session.seed);
  if (tracks.empty())
    throw Error("no track of the catalogue matches", fmt::format("{}", fmt::join(options.tracks.query, " ")),
                "check the query; files must be scanned first (genrewise library scan FOLDER)");
  const TagPlan plan = plan_tags(tracks, config, session.runtime);
  const json facts = {{"dry_run", !options.apply}, {"left_alone", plan.left_alone}};
  for (const auto& [reason, count] : plan.left_alone) session.line(fmt::format("left alone: {} ({})", count, reason));
  if (options.apply) {
    const std::string command =
        fmt::format("tag {} --write {} --mode {}", fmt::join(options.tracks.query, " "), config.field, options.mode);
    return report(session, apply_tags(catalogue, plan, command, session.runtime), plan.skipped, "written", facts);
  }
  TagResult none;
  none.changes = plan.changes;
  const int code = report(session, none, plan.skipped, "planned", facts);
  if (!plan.changes.empty()) session.line("nothing was written; add --apply to write it");
  return code;
}

}  // namespace

void add_tag(CLI::App& app, Session& session) {
  const CommandText text{
      .summary = "Write genres into the tags of files, with undo", .details = kDetails, .examples = kExamples};
  const auto [command, options] = session.add_command(app, "tag", text, run);
  const OptionGroup output(command, kOutput);
  options.tracks.add_to(command);
  output
      .add("--write", options.tags.field, "FIELD",
           "Tag to write: genre, grouping, mood or comment; with --value also artist, albumartist, album or title")
      ->capture_default_str();
  output.add("--value", options.tags.values, "VALUE", "Write this instead of the genre; several times: several values")
      ->allow_extra_args(false);
  one_of(output.add("--mode", options.mode, "MODE",
                    "fill: only where the tag is empty; append: add to its values; replace: overwrite them"),
         {"fill", "append", "replace"})
      ->capture_default_str();
  in_share_range(output.add("--min-confidence", options.tags.min_confidence, "P",
                            "Leave tracks alone whose genre is less certain; corrections have 1"))
      ->capture_default_str();
  CLI::Option* dry_run = output.flag("--dry-run", options.dry_run, "Only show the changes (the default)");
  CLI::Option* apply = output.flag("--apply", options.apply, "Write the changes")->excludes(dry_run);
  const auto batch = [&](const char* name, std::optional<std::int64_t>& number, const char* description) {
    const auto use = [&number, name](const std::string& given) {
      std::int64_t parsed = 0;
      if (!given.empty() && (!parse_number(given, parsed) || parsed < 1))
        throw UsageError(fmt::format("needs the number of a batch, not '{}'", given), name,
                         "see genrewise tag --history");
      number = parsed;
    };
    return output.add_function<std::string>(name, use, "[BATCH]", description)->expected(0, 1);
  };
  CLI::Option* history = batch("--history", options.history, "List the batches of changes, or the changes of one");
  batch("--undo", options.undo, "Restore the files of a batch, or of the latest that is not undone")
      ->excludes(history)
      ->excludes(apply);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
