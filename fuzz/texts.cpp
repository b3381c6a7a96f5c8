// Texts of users and other programs: queries, models with their parameters, patterns, settings and playlists.
#include "genrewise/base/text.hpp"
#include "genrewise/library/playlist.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/models/point.hpp"
#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/python_index.hpp"
#include "genrewise/storage/store_settings.hpp"
#include "targets.hpp"

namespace genrewise::fuzz {
namespace {

// Every query that is accepted is valid SQL.
void query(std::string_view input) {
  static const auto file = std::filesystem::temp_directory_path() / ("fuzz-query-" + std::to_string(::getpid()));
  static const Catalogue catalogue(file, Catalogue::Access::write);
  const Query parsed = parse_query(input, 1'700'000'000);
  require(count_tracks(catalogue, parsed) == 0 && find_tracks(catalogue, parsed).empty());
  const std::vector<std::string> words = split_text(input, ' ');
  is_negated_term(words.front());
  succeeds([&] { parse_order(words.front()); });
  const auto order = parse_order(kSortKeys[input.size() % std::size(kSortKeys)]);
  succeeds([&] { require(select_tracks(catalogue, words, order).empty()); });
}

// The canonical text of a model means the same model.
void model(std::string_view input) {
  for (const Values values : {Values::candidates, Values::single}) {
    succeeds([&] {
      const ModelSpec spec = parse_model(input, values);
      ModelSpec again = parse_model(text_of(spec), values);
      require(text_of(again) == text_of(spec) && again.kind == spec.kind && again.grid == spec.grid);
    });
  }
  succeeds([&] { parse_models({std::string(input)}); });
  succeeds([&] { parse_axis(input); });
  succeeds([&] {
    ModelSpec spec = parse_model("svm");
    add_parameter(spec, input);
    preprocessing_of(Point(spec.parameters), {});
  });
  succeeds([&] {
    ModelSpec spec = parse_model("knn");
    add_axis(spec, input);
    for (const Parameters& point : grid_points(spec.parameters, spec.grid)) complexity(spec.kind, point, spec.grid);
    require(file_name_of(spec.name).size() <= 120);
  });
}

// The first line is a pattern or an address, the others are its subject, or pip's configuration.
void pattern(std::string_view input) {
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string_view first = input.substr(0, line), rest = input.substr(line);
  matches_wildcards(rest, first);
  parse_ini(input);
  require(percent_decoded(percent_encoded(input, false)) == input);
  succeeds([&] { require(parse_uri(to_uri(parse_uri(first))).bucket == parse_uri(first).bucket); });
  ::setenv("PIP_CONFIG_FILE", put_file(scratch_folder(), "pip.conf", rest).c_str(), 1);
  require(!package_index().empty());
  succeeds([&] { link_to_file(rest, "musicnn-0.1.0-py3-none-any.whl", std::string(first)); });
}

// Entries of persons stay in a playlist that is written again.
void playlist(std::string_view input) {
  const auto& folder = scratch_folder();
  CatalogueTrack track;
  track.path = folder / "song.mp3";
  const bool xspf = input.starts_with('<');
  const auto path = put_file(folder, xspf ? "list.xspf" : "list.m3u8", input);
  const PlaylistWritten first = write_playlist({.path = path}, "Title", {&track, 1});
  const PlaylistWritten second = write_playlist({.path = path}, "Title", {&track, 1});
  require(first.kept == second.kept);
}

const AddTargets added{{"query", query}, {"model", model}, {"pattern", pattern}, {"playlist", playlist}};

}  // namespace
}  // namespace genrewise::fuzz
