// Tables and datasets: CSV, feature tables with their descriptions, FMA's tables, lists of clips, playlists, splits and
// maps of genres; records of other programs; the journal of a table.
#include <nlohmann/json.hpp>

#include "genrewise/base/csv.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/data_source/record_examples.hpp"
#include "genrewise/data_source/row_journal.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/dataset/genre_map.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/features/feature_table.hpp"
#include "genrewise/storage/files.hpp"
#include "targets.hpp"

namespace genrewise::fuzz {
namespace {

void csv(std::string_view input) {
  CsvReader reader(input, "fuzz.csv");
  std::vector<std::string_view> fields;
  std::size_t rows = 0;
  while (reader.next(fields)) {
    require(!fields.empty() && ++rows <= input.size());
    // What the writer quotes, the reader returns.
    std::string line;
    append_csv_field(line, fields.front());
    line += ",x\n";
    CsvReader again(line, "again");
    std::vector<std::string_view> read;
    if (fields.front().find('\0') == std::string_view::npos)
      require(again.next(read) && read.size() == 2 && read.front() == fields.front());
  }
}

// What is written of a table is read as the same table.
void write_again(const FeatureTable& table, const std::filesystem::path& path) {
  FeatureTableWriter writer(path, table.recipe, table.columns, table.track_ids.size());
  for (std::size_t i = 0; i < table.track_ids.size(); ++i) writer.add(table.track_ids[i], table.values.row(i));
  writer.commit(nlohmann::json::object());
  const std::string header = read_table_header(*open_file(path));
  require(header == header_with_rows(header, table.values.rows()));
  std::size_t rows = 0;
  for_each_row(path, [&](std::size_t row, std::span<const float> values) {
    require(row == rows++ && std::ranges::equal(values, table.values.row(row)));
  });
  require(rows == table.values.rows());
  const FeatureTable again = read_feature_table(path);
  require(again.track_ids == table.track_ids);
  require(again.columns == table.columns);
  require(again.recipe == table.recipe);
  require(std::ranges::equal(again.values.values(), table.values.values()));
}

// A folder with a table (and its .json) as features and as a labelled table.
void feature_table(std::string_view input) {
  const auto& folder = put_files(input);
  for (const char* name : {"table.csv", "table.npy"}) {
    const auto path = folder / name;
    if (!std::filesystem::exists(path)) continue;
    succeeds([&] {
      const FeatureTable table = read_feature_table(path);
      require(table.values.rows() == table.track_ids.size() && table.values.cols() == table.columns.size());
      if (!table.offsets.empty()) return;
      write_again(table, folder / "again.npy");
      write_again(table, folder / "again.csv");
    });
    Progress silent;
    succeeds([&] {
      const DataSource source({.location = path.string()});
      if (!source.has_audio()) source.load(silent);
    });
  }
}

// A folder, the table list.csv, the list list.txt or the folder of playlists lists/ in it as a dataset of any kind, its
// splits, and a part of it.
void dataset(std::string_view input) {
  const auto& folder = put_files(input);
  auto location = folder;
  for (const char* list : {"list.csv", "list.txt", "lists"})
    if (std::filesystem::exists(folder / list)) location = folder / list;
  DatasetOptions options{.keep_unlabelled = true};
  if (location.extension() == ".txt") options.labels = LabelSource::folders;
  const Dataset dataset = open_dataset(location, options);
  for (const Track& track : dataset.tracks)
    require(track.label >= -1 && track.label < static_cast<int>(dataset.labels.size()));
  SplitSubjects subjects = subjects_of(dataset);
  const auto stated = folder / "split.csv";
  if (std::filesystem::exists(stated)) succeeds([&] { read_split_file(stated, subjects); });
  for (const SplitScheme scheme :
       {SplitScheme::automatic, SplitScheme::official, SplitScheme::grouped, SplitScheme::random})
    succeeds([&] {
      SplitConfig config;
      config.scheme = scheme;
      const Split split = make_split(subjects, config);
      require(split.parts.size() == dataset.tracks.size());
      check_leakage(subjects, split);
      write_split_file(folder / "again.csv", subjects, split);
      require(read_split_file(folder / "again.csv", subjects).parts == split.parts);
    });
  options.part = JobPart{1, 2};
  require(open_dataset(location, options).tracks.size() < dataset.tracks.size());
}

void split_file(std::string_view input) {
  SplitSubjects subjects;
  for (const char* id : {"a", "b", "c"}) {
    subjects.ids.push_back(id);
    subjects.labels.push_back(0);
    subjects.tracks.push_back(id);
  }
  subjects.labels_by_name = {"Rock"};
  subjects.artists = subjects.albums = {"", "", ""};
  subjects.official.resize(3);
  require(read_split_file(put_file(scratch_folder(), "split.csv", input), subjects).parts.size() == 3);
}

// The first line is the spelling of a genre.
void genre_map(std::string_view input) {
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string spelling(input.substr(0, line));
  GenreMap::standard().fold(std::vector{spelling});
  const GenreMap map(put_file(scratch_folder(), "map.yaml", input.substr(line)));
  map.fold(std::vector{spelling});
  map.fold(std::vector{spelling, std::string("Hardcore")}, true);
  for (const auto& [genre, parent] : map.parents()) map.find(genre, true);
}

// A folder of another program's records, and a class map.
void record_examples(std::string_view input) {
  const auto& folder = put_files(input);
  Progress silent;
  const auto map = folder / "classes.csv";
  for (const RecordPool pool : {RecordPool::mean, RecordPool::mean_std, RecordPool::none}) {
    RecordKeys keys{.features = "x", .label = "y", .pool = pool};
    if (std::filesystem::exists(map)) keys.classes = map;
    std::vector<Fault> skipped;
    succeeds([&] { read_record_examples(folder, keys, "music", skipped, silent); });
    if (pool == RecordPool::mean) succeeds([&] { to_json(summarise_records(folder, keys, silent)); });
  }
}

void journal(std::string_view input) {
  const auto path = put_file(scratch_folder(), "table.partial", input);
  constexpr std::size_t kWidth = 3;
  const std::string content(64, 'a'), added(RowJournal::kKeyLength, 'z');
  std::vector<float> row(kWidth);
  std::size_t rows = 0;
  {
    RowJournal opened(path, content, kWidth);
    opened.append(added, row);
    rows = opened.rows();
  }
  RowJournal again(path, content, kWidth);
  require(again.rows() == rows && again.has(added));
  again.read(added, row);
}

const AddTargets added{{"csv", csv},
                       {"feature_table", feature_table, true},
                       {"dataset", dataset, true},
                       {"split_file", split_file},
                       {"genre_map", genre_map},
                       {"record_examples", record_examples, true},
                       {"journal", journal}};

}  // namespace
}  // namespace genrewise::fuzz
