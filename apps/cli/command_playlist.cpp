// genrewise playlist: tracks of the catalogue -> M3U8 or XSPF files.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/library/playlist.hpp"
#include "genrewise/library/query.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;

constexpr char kDetails[] =
    "An existing playlist is updated: entries that genrewise wrote are replaced, entries that a person added stay.";
constexpr char kExamples[] =
    "genrewise playlist 'genre:Rock confidence:>0.7' -o rock.m3u8 --per-artist 2\n"
    "genrewise playlist genre:Jazz --smooth --max-minutes 90 -o ~/Music/evening.xspf\n"
    "genrewise playlist --like ~/Music/song.mp3 --limit 30 -o like.m3u8\n"
    "genrewise playlist --for all-genres -o ~/Music/Playlists";

struct Options {
  TrackOptions tracks;
  PlaylistConfig playlist;
  std::string like, each, extension = "m3u8";
  double max_minutes = 0;
  std::filesystem::path output;
  bool absolute = false, replace = false;
};

int run(Options& options, Session& session) {
  const Catalogue catalogue = options.tracks.open();
  PlaylistConfig& config = options.playlist;
  config.limit = std::exchange(options.tracks.limit, 0);  // of each playlist, after the quotas
  config.max_duration_s = 60 * options.max_minutes;
  if (!options.like.empty()) {
    const auto track = catalogue.track(std::filesystem::path(options.like));
    if (!track)
      throw Error("is no track of the catalogue", options.like,
                  "scan its folder first (genrewise library scan FOLDER)");
    config.start = track->id;
  }
  std::vector<GenreTracks> playlists;
  const auto tracks = options.tracks.tracks(catalogue, session.seed);
  if (options.each.empty()) {
    playlists.push_back({options.output.stem().string(), "", tracks});
  } else {
    playlists = tracks_by_genre(tracks);
    make_folders(options.output);
  }
  using enum Table::Align;
  Table table({{"playlist", left, Table::Overflow::path}, {"tracks", right}, {"minutes", right}, {"kept", right}});
  json list = json::array();
  for (const auto& [title, name, of_playlist] : playlists) {
    session.runtime.throw_if_interrupted();
    const auto chosen = choose_tracks(catalogue, of_playlist, config);
    if (chosen.empty()) continue;
    const auto path = name.empty() ? options.output : options.output / (name + "." + options.extension);
    const auto written = write_playlist({path, options.absolute, !options.replace}, title, chosen);
    double duration_s = 0;
    json entries = json::array();
    for (const CatalogueTrack& track : chosen) duration_s += track.duration_s, entries.push_back(track.path.string());
    table.add_row({path.string(), std::to_string(written.tracks), fmt::format("{:.0f}", duration_s / 60),
                   std::to_string(written.kept)});
    list.push_back({{"file", path.string()},
                    {"title", title},
                    {"tracks", entries},
                    {"duration_s", duration_s},
                    {"kept", written.kept}});
  }
  if (table.empty())
    throw Error("no track of the catalogue matches", fmt::format("{}", fmt::join(options.tracks.query, " ")),
                "check the query; files must be scanned first (genrewise library scan FOLDER)");
  print_result(session, table, [&] { return json{{"playlists", list}}; });
  return kDone;
}

}  // namespace

void add_playlist(CLI::App& app, Session& session) {
  const CommandText text{
      .summary = "Write playlists of tracks of the catalogue", .details = kDetails, .examples = kExamples};
  const auto [command, options] = session.add_command(app, "playlist", text, run);
  const OptionGroup choice(command, kData), output(command, kOutput);
  options.tracks.sort = "confidence";
  options.tracks.add_to(command);
  choice.add("--like", options.like, "FILE",
             "Tracks that sound similar to this one of the catalogue, which comes first");
  one_of(choice.add("--for", options.each, "WHAT", "One playlist for each genre, in the folder -o"), {"all-genres"});
  at_least(choice.add("--per-artist", options.playlist.per_artist, "N", "Tracks of one artist at most"), 1);
  at_least(choice.add("--per-album", options.playlist.per_album, "N", "Tracks of one album at most"), 1);
  at_least(choice.add("--max-minutes", options.max_minutes, "MINUTES", "Duration of all tracks at most"), 1);
  output.add("-o,--output", options.output, "FILE", "NAME.m3u8, NAME.m3u or NAME.xspf; with --for: a folder")
      ->required();
  one_of(output.add("--format", options.extension, "FORMAT", "Of the playlists of --for"), {"m3u8", "xspf"})
      ->capture_default_str();
  choice.flag("--smooth", options.playlist.smooth, "Order the tracks so that each sounds similar to the one before");
  output.flag("--absolute", options.absolute, "Write absolute paths, not paths relative to the playlist");
  output.flag("--replace", options.replace, "Drop entries of an existing playlist that a person added");
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
