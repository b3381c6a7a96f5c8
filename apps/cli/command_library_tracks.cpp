// genrewise library list, search, show, similar and duplicates.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/library/similarity.hpp"
#include "genrewise/library/track_json.hpp"
#include "genrewise/predict/predict.hpp"
#include "genrewise/report/formats.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

using nlohmann::json;
using enum Table::Align;

std::string clock(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

/// Whether a genre is a correction, or what limits it.
std::string remark_of(const CatalogueTrack& track) {
  if (!track.fault.empty()) return track.fault;
  if (!track.correction.empty())
    return track.predicted == track.correction ? "corrected" : "corrected, was " + track.predicted;
  std::string remark = track.unknown ? "most likely " + track.predicted : "";
  if (track.novelty.value_or(0) > 1)
    remark += remark.empty() ? "unlike the training music" : "; unlike the training music";
  if (track.missing) remark += remark.empty() ? "missing" : "; missing";
  return remark;
}

struct ListOptions : TrackOptions {
  std::string per;
};

Table tracks_table(const std::vector<CatalogueTrack>& tracks, Format format) {
  if (format != Format::csv) {
    Table table(
        {{"track", left, Table::Overflow::path}, {"genre"}, {"confidence", right}, {"", left, Table::Overflow::wrap}});
    for (const CatalogueTrack& track : tracks)
      table.add_row(
          {track.path.string(), track.genre(), track.analysed() ? percent(track.confidence) : "", remark_of(track)});
    return table;
  }
  std::vector<Table::Column> columns;
  for (const char* name : {"path", "genre", "predicted", "confidence", "unknown", "novelty", "correction", "artist",
                           "album", "title", "year", "duration_s", "missing", "fault"})
    columns.push_back({name});
  Table table(std::move(columns));
  for (const CatalogueTrack& track : tracks)
    table.add_row({track.path.string(), track.genre(), track.predicted,
                   track.analysed() ? fmt::format("{:.4f}", track.confidence) : "", track.unknown ? "true" : "false",
                   track.novelty ? fmt::format("{:.3f}", *track.novelty) : "", track.correction, track.tags.artist,
                   track.tags.album, track.tags.title, track.tags.year == 0 ? "" : std::to_string(track.tags.year),
                   fmt::format("{:.2f}", track.duration_s), track.missing ? "true" : "false", track.fault});
  return table;
}

void print_groups(const Catalogue& catalogue, std::vector<CatalogueTrack> tracks, GroupBy by, Session& session) {
  const auto groups = group_tracks(catalogue, std::move(tracks), by);
  Table table({{"artist", left, Table::Overflow::wrap},
               {"album", left, Table::Overflow::wrap},
               {"tracks", right},
               {"genre"},
               {"confidence", right},
               {"outliers", left, Table::Overflow::wrap}});
  json list = json::array();
  for (const TrackGroup& group : groups) {
    std::string outliers;
    for (const std::size_t i : group.outliers) {
      const CatalogueTrack& track = group.tracks[i];
      outliers += fmt::format("{}{} ({})", outliers.empty() ? "" : ", ", track.path.filename().string(), track.genre());
    }
    const auto best = group.genres.empty() ? std::pair<std::string, double>() : group.genres.front();
    table.add_row({group.artist, group.album, std::to_string(group.tracks.size()), best.first,
                   group.genres.empty() ? "" : percent(best.second), outliers});
    list.push_back(to_json(group));
  }
  print_result(session, table, [&] { return json{{"groups", std::move(list)}}; });
}

int run_list(ListOptions& options, Session& session) {
  const Catalogue catalogue = options.open();
  auto tracks = options.tracks(catalogue, session.seed);
  if (!options.per.empty()) {
    print_groups(catalogue, std::move(tracks), options.per == "album" ? GroupBy::album : GroupBy::artist, session);
    return kDone;
  }
  print_result(session, session.format == Format::json ? Table({{""}}) : tracks_table(tracks, session.format), [&] {
    const TrackLabels labels(catalogue);
    json list = json::array();
    for (const CatalogueTrack& track : tracks) list.push_back(track_json(track, labels));
    return json{{"tracks", std::move(list)}};
  });
  return kDone;
}

void add_tracks_command(CLI::App& app, Session& session, const std::string& name, const CommandText& text,
                        bool search) {
  const auto [command, options] = session.add_command(app, name, text, run_list);
  options.add_to(command, search);
  one_of(
      OptionGroup(command, kOutput)
          .add("--per", options.per, "UNIT", "Pool the evidence of each album or artist, and name tracks that deviate"),
      {"album", "artist"})
      ->default_str("per track");
  session.add_seed_option(command);
  session.add_format_options(command);
}

struct FileOptions : LibraryOptions {
  CatalogueTrack track(const Catalogue& catalogue) const {
    if (auto found = catalogue.track(std::filesystem::path(path))) return std::move(*found);
    throw Error("is not in the catalogue", path, "add it with `genrewise library scan`");
  }
  void add_to(CLI::App* command) {
    OptionGroup(command, kData).add("FILE", path, "", "Path of a track of the catalogue")->required();
    LibraryOptions::add_to(command);
  }
  std::string path;
  bool timeline = false;
  std::size_t count = 20;
};

int run_show(FileOptions& options, Session& session) {
  const Catalogue catalogue = options.open();
  const CatalogueTrack track = options.track(catalogue);
  const TrackLabels labels(catalogue);
  Table segments({{"start", right}, {"end", right}, {"genre"}, {"confidence", right}});
  json document = track_json(track, labels);
  document["segments"] = segments_json(track, labels);
  for (const json& segment : document["segments"])
    segments.add_row({clock(segment["start_s"]), clock(segment["end_s"]), segment["genre"],
                      percent(segment["confidence"].get<double>())});
  if (options.timeline && track.segments.empty())
    session.note(
        "no segments are stored: the track is not analysed, or was predicted anew from its stored features; "
        "`genrewise predict FILE --json` has them");
  if (options.timeline) {
    print_result(session, segments, [&] { return document; });
    return kDone;
  }
  Table table({{"field"}, {"value", left, Table::Overflow::wrap}});
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) table.add_row({name, value});
  };
  add("path", track.path.string());
  add("genre", track.genre());
  add("remark", remark_of(track));
  const auto& names = labels.of(track);
  const auto order = ranked(track.probabilities);
  for (std::size_t i = 0; i < std::min<std::size_t>(3, order.size()); ++i)
    if (order[i] < names.size())
      add(i == 0 ? "confidence" : "", fmt::format("{} {}", percent(track.probabilities[order[i]]), names[order[i]]));
  if (track.novelty) add("novelty", fmt::format("{:.2f}", *track.novelty));
  add("artist", track.tags.artist);
  add("album", track.tags.album);
  add("title", track.tags.title);
  for (const std::string& genre : track.tags.genres) add("tag", genre);
  if (track.duration_s > 0) add("duration", clock(track.duration_s));
  add("fingerprint", track.fingerprint);
  add("fault", track.fault_detail);
  print_result(session, table, [&] { return document; });
  return kDone;
}

int run_similar(FileOptions& options, Session& session) {
  const Catalogue catalogue = options.open();
  const auto similar = similar_tracks(catalogue, options.track(catalogue).id, options.count);
  Table table({{"track", left, Table::Overflow::path}, {"similarity", right}, {"genre"}});
  for (const SimilarTrack& one : similar)
    table.add_row({one.track.path.string(), fmt::format("{:.3f}", one.similarity), one.track.genre()});
  print_result(session, table, [&] {
    const TrackLabels labels(catalogue);
    json list = json::array();
    for (const SimilarTrack& one : similar) {
      list.push_back(track_json(one.track, labels));
      list.back()["similarity"] = one.similarity;
    }
    return json{{"tracks", std::move(list)}};
  });
  return kDone;
}

int run_duplicates(LibraryOptions& options, Session& session) {
  const Catalogue catalogue = options.open();
  const auto groups = find_duplicates(catalogue);
  Table table(
      {{"group", right}, {"track", left, Table::Overflow::path}, {"duration", right}, {"kbit/s", right}, {"evidence"}});
  json list = json::array();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const DuplicateGroup& group = groups[i];
    const std::string evidence = group.same_audio ? "same encoded audio"
                                                  : fmt::format("similarity {:.3f}, durations differ by {:.2f} s",
                                                                group.least_similarity, group.duration_difference_s);
    json tracks = json::array();
    for (const CatalogueTrack& track : group.tracks) {
      const double kbps = static_cast<double>(track.bytes) * 8 / 1000 / track.duration_s;
      table.add_row({std::to_string(i + 1), track.path.string(), clock(track.duration_s), fmt::format("{:.0f}", kbps),
                     &track == &group.tracks.front() ? evidence : ""});
      tracks.push_back({{"path", track.path.string()}, {"duration_s", track.duration_s}, {"kbps", kbps}});
    }
    list.push_back({{"same_audio", group.same_audio},
                    {"similarity", group.least_similarity},
                    {"duration_difference_s", group.duration_difference_s},
                    {"tracks", std::move(tracks)}});
  }
  print_result(session, table, [&] { return json{{"groups", std::move(list)}}; });
  return kDone;
}

}  // namespace

void add_library_tracks(CLI::App& library, Session& session) {
  add_tracks_command(library, session, "list",
                     {.summary = "List tracks, all or those of a query",
                      .examples = "genrewise library list\n"
                                  "genrewise library list genre:unknown --sort confidence --limit 50\n"
                                  "genrewise library list --per album --csv > albums.csv"},
                     false);
  add_tracks_command(library, session, "search",
                     {.summary = "Find tracks",
                      .examples = "genrewise library search bach\n"
                                  "genrewise library search genre:Rock 'confidence:>0.6' -artist:Muse 'added:<30d'"},
                     true);
  const auto [show, shown] =
      session.add_command(library, "show",
                          {.summary = "Show what is known of a track",
                           .examples = "genrewise library show song.mp3\ngenrewise library show song.mp3 --timeline"},
                          run_show);
  shown.add_to(show);
  OptionGroup(show, kOutput).flag("--timeline", shown.timeline, "Show the genres over time");
  session.add_format_options(show);
  const auto [similar, wanted] = session.add_command(
      library, "similar",
      {.summary = "List the tracks that sound most like one", .examples = "genrewise library similar song.mp3 -n 50"},
      run_similar);
  wanted.add_to(similar);
  at_least(OptionGroup(similar, kOutput).add("-n,--count", wanted.count, "N", "Tracks to list"), 1)
      ->capture_default_str();
  session.add_format_options(similar);
  const auto [duplicates, where] = session.add_command(
      library, "duplicates",
      {.summary = "List tracks that are the same recording, with the evidence",
       .details = "By the fingerprint of the encoded audio, and by features and duration for other encodings.",
       .examples = "genrewise library duplicates --json"},
      run_duplicates);
  where.add_to(duplicates);
  session.add_format_options(duplicates);
}

}  // namespace genrewise::cli
