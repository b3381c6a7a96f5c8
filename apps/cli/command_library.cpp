// genrewise library: the catalogue of a person's music. What shows tracks is in command_library_tracks.cpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/library/retrain.hpp"
#include "genrewise/library/scan.hpp"
#include "genrewise/library/track_json.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;

constexpr char kExamples[] =
    "genrewise library scan ~/Music\n"
    "genrewise library list genre:Rock 'confidence:>0.6'\n"
    "genrewise library similar song.mp3";
constexpr char kScanExamples[] =
    "genrewise library scan ~/Music\n"
    "genrewise library scan\n"
    "genrewise library scan --model runs/fma/best.gwm --max-error 0.2";
constexpr char kCorrectExamples[] =
    "genrewise library correct ~/Music/Bach Classical\n"
    "genrewise library correct genre:unknown 'artist:\"Sigur Rós\"' Post-Rock\n"
    "genrewise library correct song.mp3 ''";
constexpr char kRetrainExamples[] =
    "genrewise library retrain\n"
    "genrewise library retrain --no-tags --dry-run\n"
    "genrewise library retrain --model svm:C=10 --min-tracks 20";

struct ScanOptions : LibraryOptions {
  ScanConfig config;
  IsolationOptions isolation;
};

int run_scan(ScanOptions& options, Session& session) {
  options.config.isolation = options.isolation.config();
  Catalogue catalogue = options.open(Catalogue::Access::write);
  const ScanResult done = scan_library(catalogue, options.config, session.runtime);
  const std::pair<const char*, std::size_t> counts[] = {
      {"added", done.added},         {"changed", done.changed},     {"moved", done.moved},
      {"unchanged", done.unchanged}, {"missing", done.missing},     {"returned", done.returned},
      {"analysed", done.analysed},   {"predicted", done.predicted}, {"skipped_before", done.skipped_before}};
  Table table({{"result"}, {"tracks", Table::Align::right}});
  for (const auto& [name, count] : counts)
    if (count > 0 || session.format == Format::csv) table.add_row({name, std::to_string(count)});
  print_result(session, table, [&] { return to_json(done); });
  if (done.skipped_before > 0)
    session.note(fmt::format("{} files that could not be used before were not tried again; --retry tries them",
                             done.skipped_before));
  std::vector<Fault> skipped = done.skipped;
  for (const std::string& root : done.unavailable)
    skipped.push_back({"folder is not available", root, "its tracks stay in the catalogue"});
  return session.report_skipped(skipped, "files and folders");
}

void add_scan(CLI::App& app, Session& session) {
  const CommandText text{
      .summary = "Add new and changed music to the catalogue",
      .details =
          "Analyses only what is new or changed. Moved and renamed files are recognised and keep their "
          "corrections. Tracks that are not found are marked as missing, and stay. The scan can be interrupted at "
          "any moment and continues when it is started again.",
      .examples = kScanExamples};
  const auto [command, options] = session.add_command(app, "scan", text, run_scan);
  ScanConfig& config = options.config;
  OptionGroup(command, kData).add("FOLDER", config.roots, "", "Folders of music; without one, those of earlier scans");
  options.add_to(command);
  options.isolation.add_to(command, true);
  const OptionGroup data(command, kData), models(command, kModel);
  data.flag("--retry", config.retry, "Try files again that could not be used");
  CLI::Option* model =
      models.add("-m,--model", config.model, "FILE", "A trained model, *.gwm")->default_str("as before");
  models.flag("--zero-shot", config.zero_shot, "Predict without a model, from what a pretrained network recognises")
      ->excludes(model);
  models.add("--genres", config.genres, "LIST", "Without a model: the genres to choose from, as A,B")
      ->default_str("as before, or all that are known");
  at_least(models.add("--windows", config.windows, "N", "Windows of 30 s to analyse at most"), 1)
      ->capture_default_str();
  in_share_range(models.add("--max-error", config.max_error, "RATE",
                            "Mark genres as unknown so that about this share of the others is wrong"))
      ->default_str("as before, or 0.1");
  models.add("--features", config.features, "LIST", "Feature sets to store besides the model's, as A,B")
      ->delimiter(',');
  session.add_format_options(command);
}

std::vector<std::int64_t> ids_of(const std::vector<CatalogueTrack>& tracks) {
  std::vector<std::int64_t> ids;
  for (const CatalogueTrack& track : tracks) ids.push_back(track.id);
  if (ids.empty()) throw Error("no track matches", "query", "see `genrewise library list` for what is there");
  return ids;
}

int run_correct(TrackOptions& options, Session& session) {
  if (options.query.size() < 2)
    throw UsageError("tracks and a genre are needed", "QUERY", "see the examples of --help");
  const std::string genre = options.query.back();
  options.query.pop_back();
  Catalogue catalogue = options.open(Catalogue::Access::write);
  const auto ids = ids_of(options.tracks(catalogue));
  const auto known = catalogue.genres();
  if (!genre.empty() && std::ranges::none_of(known, [&](const auto& one) { return one.first == genre; }))
    session.note(fmt::format("{} is a new genre of the catalogue", genre));
  catalogue.correct(ids, genre);
  session.print(
      fmt::format("{} tracks {}\n", ids.size(), genre.empty() ? "without a correction" : "are " + genre + " now"));
  return kDone;
}

void add_correct(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Give tracks their genre, which no scan and no model changes",
                         .details = "The last argument is the genre; an empty one, '', removes the correction.",
                         .examples = kCorrectExamples};
  const auto [command, options] = session.add_command(app, "correct", text, run_correct);
  options.add_to(command, true);
}

int run_forget(TrackOptions& options, Session& session) {
  Catalogue catalogue = options.open(Catalogue::Access::write);
  const auto ids = ids_of(options.tracks(catalogue));
  catalogue.forget(ids);
  session.print(fmt::format("{} tracks are forgotten\n", ids.size()));
  return kDone;
}

void add_forget(CLI::App& app, Session& session) {
  const CommandText text{
      .summary = "Remove tracks from the catalogue, with their corrections",
      .details = "Files are not touched; those that exist are added again by the next scan.",
      .examples = "genrewise library forget missing:yes\ngenrewise library forget missing:yes /mnt/old"};
  const auto [command, options] = session.add_command(app, "forget", text, run_forget);
  options.add_to(command, true);
}

struct RetrainOptions : LibraryOptions {
  RetrainConfig config;
};

int run_retrain(RetrainOptions& options, Session& session) {
  options.config.seed = session.seed;
  Catalogue catalogue = options.open(Catalogue::Access::write);
  const RetrainResult done = retrain_library(catalogue, options.config, session.runtime);
  session.notes(done.notes);
  if (session.format == Format::json) {
    session.print_json({{"labels", done.labels},
                        {"examples", done.examples},
                        {"corrections", done.corrections},
                        {"groups", done.groups},
                        {"accuracy", {{"value", done.accuracy}, {"low", done.low}, {"high", done.high}}},
                        {"before", done.before ? json(*done.before) : json()},
                        {"p_value", done.p_value ? json(*done.p_value) : json()},
                        {"replaced", done.replaced},
                        {"model", done.model.string()},
                        {"changed", done.changed},
                        {"notes", done.notes}});
    return kDone;
  }
  session.print(fmt::format("{} tracks of {} artists, {} genres, {} corrections\n", done.examples, done.groups,
                            done.labels.size(), done.corrections));
  session.print(
      fmt::format("accuracy {:.1f} % ({:.1f} to {:.1f} %)\n", 100 * done.accuracy, 100 * done.low, 100 * done.high));
  if (done.before)
    session.print(fmt::format("before   {:.1f} %{}\n", 100 * *done.before,
                              done.p_value ? fmt::format(", p = {:.2g}", *done.p_value) : ""));
  session.print(done.replaced ? fmt::format("{} tracks have another genre now; the model is {}\n", done.changed,
                                            printable(done.model.string()))
                : options.config.dry_run
                    ? "nothing was changed\n"
                    : "the model is not shown to be better, so nothing was changed; --force uses it\n");
  return kDone;
}

void add_retrain(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Fit a model to your own genres: tags and corrections",
                         .details =
                             "Uses the stored features, so nothing is decoded. The new model replaces the "
                             "current one where cross-validation over artists shows that it is better.",
                         .examples = kRetrainExamples};
  const auto [command, options] = session.add_command(app, "retrain", text, run_retrain);
  RetrainConfig& config = options.config;
  options.add_to(command);
  const OptionGroup data(command, kData), models(command, kModel), output(command, kOutput);
  data.flag("--no-tags{false}", config.tags, "Use corrections only");
  data.add("--map", config.genre_map, "FILE", "Spellings of genres in tags (docs/datasets.md)")
      ->default_str("the program's");
  data.flag("--top-genres", config.top_genres, "Fold genres of tags into their top-level genres");
  at_least(data.add("--min-tracks", config.min_tracks, "N", "Leave out genres of fewer tracks"), 2)
      ->capture_default_str();
  models.add("-m,--model", config.classifier, "KIND", "Kind of model, with parameters as for `genrewise train`")
      ->capture_default_str();
  models.add("--features", config.features, "NAME", "Stored feature set")->default_str("the one that most tracks have");
  in_range(models.add("--folds", config.folds, "K", "Folds of the cross-validation"), 2, 100)->capture_default_str();
  output.add("-o,--output", config.output, "FILE", "Model file to write, *.gwm")->default_str("beside the catalogue");
  CLI::Option* force = output.flag("--force", config.force, "Use the new model although it is not better");
  output.flag("--dry-run", config.dry_run, "Only evaluate it")->excludes(force);
  session.add_seed_option(command);
  session.add_format_options(command, false);
}

int run_genres(LibraryOptions& options, Session& session) {
  const auto genres = options.open().genres();
  Table table({{"genre"}, {"tracks", Table::Align::right}});
  for (const auto& [genre, tracks] : genres)
    if (tracks > 0 || session.format == Format::csv) table.add_row({genre, std::to_string(tracks)});
  print_result(session, table, [&] {
    json list = json::array();
    for (const auto& [genre, tracks] : genres) list.push_back({{"genre", genre}, {"tracks", tracks}});
    return json{{"genres", list}};
  });
  return kDone;
}

void add_genres(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Count the tracks of each genre", .examples = "genrewise library genres"};
  const auto [command, options] = session.add_command(app, "genres", text, run_genres);
  options.add_to(command);
  session.add_format_options(command);
}

}  // namespace

void add_library(CLI::App& app, Session& session) {
  CLI::App& library = *app.add_subcommand("library", "Keep a catalogue of your music: scan, search, correct");
  library.footer(kExamples);
  library.require_subcommand(1);
  add_scan(library, session);
  add_library_tracks(library, session);
  add_genres(library, session);
  add_correct(library, session);
  add_retrain(library, session);
  add_forget(library, session);
}

}  // namespace genrewise::cli
