#include "genrewise/data_source/data_source.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "audio/tag_bytes.hpp"
#include "audio/wav_writer.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/data_source/feature_cache.hpp"
#include "genrewise/data_source/prepare.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

Progress quiet;

/// Records notes.
struct Notes : Progress {
  void note(std::string_view text) override { texts.emplace_back(text); }
  std::vector<std::string> texts;
};

/// The same music as each kind of data: two genres with four files each, long enough for raw10k.
class DataSourceTest : public ::testing::Test {
 protected:
  DataSourceTest() {
    std::string list = "path,genre,artist,track_id\n", table = "track_id,genre,artist,x,y\n";
    for (int i = 0; i < 8; ++i) {
      const std::string genre = i < 4 ? "Jazz" : "Rock", name = fmt::format("{}.wav", i);
      std::vector<float> wave(24000);
      for (std::size_t k = 0; k < wave.size(); k += 2) wave[k] = 0.01f * static_cast<float>(i + 1);
      make_folders(folder_ / "folder" / genre);
      write_file(folder_ / "folder" / genre / name, testing::wav_of(wave, 1, 22050));
      list += fmt::format("folder/{}/{},{},artist {},{}\n", genre, name, genre, i, i);
      table += fmt::format("{},{},artist {},{},{}\n", i, genre, i, i, 10 - i);
    }
    write_file(folder_ / "list.csv", list);
    write_file(folder_ / "table.csv", table);
  }
  /// raw10k of list.csv.
  std::string features() {
    extract_features(open_dataset(at("list.csv")), *make_feature_set("raw10k"), at("features.npy"), quiet);
    return at("features.npy");
  }
  std::string pack() {
    const auto set = make_feature_set("raw10k");
    pack_dataset(open_dataset(at("list.csv")), {{set.get(), at("pack")}}, nullptr, {.shards = 2}, quiet);
    return at("pack");
  }
  std::string fma() {
    make_folders(folder_ / "fma/fma_small/000");
    for (int i = 0; i < 8; ++i) {
      fs::copy(folder_ / fmt::format("folder/{}/{}.wav", i < 4 ? "Jazz" : "Rock", i),
               folder_ / fmt::format("fma/fma_small/000/{:06}.mp3", i));
    }
    std::string csv =
        ",set,set,track,track,artist,artist,album,album\n"
        ",split,subset,genre_top,title,id,name,id,title\n"
        "track_id,,,,,,,,\n";
    for (int i = 0; i < 8; ++i)
      csv += fmt::format("{},training,small,{},t,{},name,{},album\n", i, i < 4 ? "Jazz" : "Rock", i, i);
    make_folders(folder_ / "fma/fma_metadata");
    write_file(folder_ / "fma/fma_metadata/tracks.csv", csv);
    return at("fma");
  }
  std::string at(const std::string& name) const { return folder_ / name; }

  TemporaryFolder folder_;
};

TEST_F(DataSourceTest, GivesTheSameExamplesForEveryKind) {
  features();
  for (const DataSourceConfig& config :
       {DataSourceConfig{.location = at("list.csv"), .features = "raw10k"},
        DataSourceConfig{.location = at("list.csv"), .tables = {at("features.npy")}},
        DataSourceConfig{.location = at("folder"), .features = "raw10k"},
        DataSourceConfig{.location = fma(), .features = "raw10k"}, DataSourceConfig{.location = pack()},
        DataSourceConfig{.location = at("features.npy")}}) {
    const DataSource source(config);
    const Examples examples = source.load(at("extracted.npy"), quiet).examples;
    EXPECT_THAT(examples.labels, ElementsAre("Jazz", "Rock")) << source.kind();
    EXPECT_EQ(examples.table.recipe, make_feature_set("raw10k")->recipe()) << source.kind();
    ASSERT_EQ(examples.table.values.rows(), 8u) << source.kind();
    for (std::size_t row = 0; row < 8; ++row) {
      const bool rock = examples.table.values(row, 100) > 0.045f;
      EXPECT_EQ(examples.subjects.labels[row], rock) << source.kind();
    }
  }
}

TEST_F(DataSourceTest, KeepsNamesThatAreNotUtf8) {
  make_folders(at("latin1"));
  for (const char* genre : {"caf\xe9", "caf\xe8"}) {
    fs::create_directory(fs::path(at("latin1")) / genre);
    for (int i = 0; i < 8; ++i)
      fs::copy(folder_ / fmt::format("folder/{}/{}.wav", i < 4 ? "Jazz" : "Rock", i),
               fs::path(at("latin1")) / genre / fmt::format("{}.wav", static_cast<char>(0xe0 + i)));
  }
  const Dataset dataset = open_dataset(at("latin1"));
  const auto set = make_feature_set("raw10k");
  extract_features(dataset, *set, at("latin1.npy"), quiet);
  pack_dataset(dataset, {{set.get(), at("latin1_pack")}}, nullptr, {.shards = 2}, quiet);
  EXPECT_TRUE(verify_pack(open_pack(at("latin1_pack"))).empty());
  for (const DataSourceConfig& config :
       {DataSourceConfig{.location = at("latin1.npy")}, DataSourceConfig{.location = at("latin1_pack")},
        DataSourceConfig{.location = at("latin1"), .tables = {at("latin1.npy")}}}) {
    const Examples examples = DataSource(config).load(quiet).examples;
    EXPECT_THAT(examples.labels, ElementsAre("caf\xe8", "caf\xe9"));
    const std::set<std::string> ids(examples.table.track_ids.begin(), examples.table.track_ids.end());
    EXPECT_EQ(ids.size(), 16u);
    EXPECT_TRUE(ids.contains("caf\xe9/\xe7.wav"));
  }
}

/// Every option with every kind of data is used or refused with an error that names it.
TEST_F(DataSourceTest, UsesOrRefusesEveryOptionOfEveryKind) {
  const std::string table = features();
  struct Kind {
    std::string kind, location;
  };
  const std::vector<Kind> kinds = {{"fma", fma()},          {"folder", at("folder")},
                                   {"csv", at("list.csv")}, {"table", at("table.csv")},
                                   {"table", table},        {"pack", pack()}};
  struct Case {
    const char* name;
    DataSourceConfig config;
    std::string used[6];  // per kind: "" if the option is used, else the start of the error
  };
  const std::string no_audio = "--features: ", no_table = "--table: ", no_subset = "--subset: ";
  const Case cases[] = {
      {"no option", {.location = {}, .default_features = "raw10k"}, {"", "", "", "", "", ""}},
      {"features", {.location = {}, .features = "raw10k"}, {"", "", "", no_audio, "", ""}},
      {"other features",
       {.location = {}, .features = "fma518"},
       {"", "", "", no_audio, no_audio + "the dataset is a feature table of raw10k, not of fma518",
        no_audio + "the dataset is a pack of raw10k, not of fma518"}},
      {"a table", {.location = {}, .tables = {table}}, {"", "", "", no_table, no_table, no_table}},
      {"a table of the features",
       {.location = {}, .features = "raw10k", .tables = {table}},
       {"", "", "", no_table, no_table, no_table}},
      {"a table of other features",
       {.location = {}, .features = "fma518", .tables = {table}},
       {no_audio, no_audio, no_audio, no_table, no_table, no_table}},
      {"a subset",
       {.location = {}, .dataset = {.fma_subset = "small"}, .default_features = "raw10k"},
       {"", no_subset, no_subset, no_subset, no_subset, no_subset}},
      {"a table for models of a study",
       {.location = {}, .tables = {"name=" + table}, .default_features = "raw10k"},
       {no_table, no_table, no_table, no_table, no_table, no_table}},
      {"an unknown genre",
       {.location = {}, .default_features = "raw10k", .genres = {.merge = {"Jazz=Roll"}}},
       {"--merge: ", "--merge: ", "--merge: ", "--merge: ", "--merge: ", "--merge: "}},
      {"a merge",
       {.location = {}, .default_features = "raw10k", .genres = {.merge = {"Jazz=Rock"}}},
       {"", "", "", "", "", ""}},
      {"too many groups",
       {.location = {}, .default_features = "raw10k", .genres = {.min_groups = 5}},
       {"--min-groups: ", "--min-groups: ", "--min-groups: ", "--min-groups: ", "--min-groups: ", "--min-groups: "}},
  };
  for (const Case& tried : cases) {
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      DataSourceConfig config = tried.config;
      config.location = kinds[k].location;
      std::string kind, labels;
      const std::string found = error_message([&] {
        const DataSource source(config);
        kind = source.kind();
        // These clips are too short for fma518: other features are refused, or extraction fails.
        const LoadedExamples loaded = source.load(at(fmt::format("{}.npy", k)), quiet);
        labels = fmt::format("{}", loaded.examples.labels.size());
      });
      if (tried.used[k].empty()) {
        // The track ids of the folder differ from those of the table.
        EXPECT_THAT(found, ::testing::AnyOf("no error", HasSubstr("clips could be used"), HasSubstr("no row for any")))
            << tried.name << ", " << kinds[k].kind;
        EXPECT_EQ(kind, kinds[k].kind) << tried.name;
      } else {
        EXPECT_THAT(found, ::testing::StartsWith(tried.used[k])) << tried.name << ", " << kinds[k].kind;
      }
      if (tried.config.genres.merge == std::vector<std::string>{"Jazz=Rock"}) {
        EXPECT_EQ(labels, "1") << kinds[k].kind;
      }
    }
  }
}

TEST_F(DataSourceTest, RefusesOptionsThatNoModelOfAStudyUses) {
  const std::string table = features();
  const auto path_of = [&](const std::string& set, std::size_t) -> fs::path { return at("f-" + set + ".npy"); };
  const auto joined = [&](DataSourceConfig config, const std::vector<std::string>& sets) {
    config.location = at("list.csv");
    return error_message([&] { load_joined(DataSource(config), sets, path_of, quiet); });
  };
  EXPECT_EQ(joined({.location = {}, .tables = {"mine=" + table}, .default_features = "raw10k"}, {"", "mine"}),
            "no error");
  EXPECT_THAT(joined({.location = {}, .tables = {"mine=" + table}}, {"raw10k"}),
              AllOf(HasSubstr("--table"), HasSubstr("mine/MODEL")));
  EXPECT_THAT(joined({.location = {}, .tables = {table}}, {"raw10k"}), HasSubstr("--table"));
  EXPECT_THAT(joined({.location = {}, .features = "fma518"}, {"raw10k"}), HasSubstr("--features"));
  EXPECT_EQ(joined({.location = {}, .features = "raw10k"}, {"raw10k"}), "no error");
}

TEST_F(DataSourceTest, HasLabelsAndGroupsBeforeExtraction) {
  for (const std::string& location : {at("list.csv"), at("table.csv"), pack()}) {
    const DataSource source({.location = location, .features = {}, .default_features = "raw10k"});
    SplitSubjects subjects = source.subjects();
    const SplitSubjects loaded = source.load(at("f.npy"), quiet).examples.subjects;
    EXPECT_EQ(subjects.ids, loaded.ids) << location;
    EXPECT_EQ(subjects.labels, loaded.labels) << location;
    EXPECT_EQ(subjects.artists, loaded.artists) << location;
    EXPECT_EQ(subjects.by_shard, loaded.by_shard) << location;
  }
}

TEST_F(DataSourceTest, ChecksTheSplitBeforeExtraction) {
  write_file(at("few.csv"),
             "path,genre,artist\nfolder/Jazz/0.wav,Jazz,a\nfolder/Jazz/1.wav,Jazz,a\nfolder/Rock/4.wav,Rock,b\n");
  const DataSource few({.location = at("few.csv"), .features = "raw10k"});
  EXPECT_THAT(error_message([&] { require_split(few, {}); }), AllOf(HasSubstr("'Jazz'"), HasSubstr("--min-groups")));
  EXPECT_EQ(error_message([&] { require_split(DataSource({.location = at("list.csv"), .features = "raw10k"}), {}); }),
            "no error");
}

TEST_F(DataSourceTest, SplitsAPack) {
  const DataSource source({.location = pack()});
  const DatasetSplit made = split_dataset(source, {});
  EXPECT_EQ(made.split.scheme, SplitScheme::grouped);
  EXPECT_EQ(made.subjects.ids.size(), 8u);
  write_split_file(at("split.csv"), made.subjects, made.split);
  const SplitSubjects loaded = source.load("", quiet).examples.subjects;
  EXPECT_EQ(make_split(loaded, {.file = at("split.csv")}).parts, made.split.parts);
}

TEST_F(DataSourceTest, LeavesOutAndMergesGenresAndReportsIt) {
  write_file(at("three.csv"),
             "track_id,genre,artist,x\n1,Jazz,a,1\n2,Jazz,b,2\n3,Rock,c,3\n4,Blues,d,4\n5,Blues,d,5\n6,Trip,e,6\n");
  Notes notes;
  const DataSource source({.location = at("three.csv"), .genres = {.merge = {"Trip=Rock"}, .min_groups = 2}});
  const Examples examples = source.load("", notes).examples;
  EXPECT_THAT(examples.labels, ElementsAre("Jazz", "Rock"));
  EXPECT_THAT(examples.table.track_ids, ElementsAre("1", "2", "3", "6"));
  EXPECT_THAT(examples.subjects.labels, ElementsAre(0, 0, 1, 1));
  EXPECT_EQ(examples.table.values(3, 0), 6.f);
  ASSERT_EQ(examples.notes.size(), 2u);
  EXPECT_THAT(examples.notes[1], HasSubstr("Blues (1 groups, 2 examples)"));
  EXPECT_EQ(notes.texts, examples.notes);
  EXPECT_NE(source.fingerprint(), DataSource({.location = at("three.csv")}).fingerprint());
}

TEST_F(DataSourceTest, LeavesOutGenresOfTagsWithFewerGroupsThanASplitHasParts) {
  make_folders(at("tagged"));
  for (const auto& [genre, artists] : {std::pair("Rock", 3), {"Jazz", 2}})
    for (int i = 0; i < artists; ++i)
      write_file(at(fmt::format("tagged/{}{}.flac", genre, i)),
                 testing::flac_of({fmt::format("GENRE={}", genre), fmt::format("ARTIST={} artist {}", genre, i)}));
  const DataSource source({.location = at("tagged"), .dataset = {.labels = LabelSource::tags}});
  EXPECT_THAT(source.audio().labels, ElementsAre("Rock"));
}

TEST_F(DataSourceTest, DoesNotExtractGenresThatAreLeftOut) {
  write_file(at("some.csv"),
             "path,genre,artist\nfolder/Jazz/0.wav,Jazz,a\nfolder/Jazz/1.wav,Jazz,b\nfolder/Rock/4.wav,Rock,c\n");
  const DataSource source({.location = at("some.csv"), .features = "raw10k", .genres = {.min_groups = 2}});
  EXPECT_EQ(source.load(at("some.npy"), quiet).examples.labels, std::vector<std::string>{"Jazz"});
  EXPECT_EQ(read_feature_table(at("some.npy")).track_ids.size(), 2u);
}

TEST_F(DataSourceTest, ExplainsTheUseOfAFeatureTableWithoutGenres) {
  features();
  fs::remove(at("features.npy.json"));
  EXPECT_THAT(error_message([&] { DataSource({.location = at("features.npy")}); }), HasSubstr("--table"));
}

TEST_F(DataSourceTest, KeepsTheExcerptsOfTheFaultFilteredSplitOfGtzan) {
  write_file(folder_ / "gtzan.csv",
             "filename,label,x\nblues.00000.wav,blues,1\nhiphop.00001.wav,hiphop,2\nrock.00099.wav,rock,3\n");
  const DataSource filtered({.location = at("gtzan.csv"), .fault_filtered = true});
  const Examples examples = filtered.load(quiet).examples;
  EXPECT_THAT(examples.subjects.ids, ElementsAre("blues.00000.wav", "rock.00099.wav"));
  EXPECT_THAT(examples.subjects.official, ElementsAre(Part::validation, Part::training));
  EXPECT_EQ(filtered.subjects().ids.size(), 2u);
  EXPECT_TRUE(examples.notes.empty());
  Notes notes;
  EXPECT_EQ(DataSource({.location = at("gtzan.csv")}).load(notes).examples.subjects.ids.size(), 3u);
  EXPECT_THAT(notes.texts, ElementsAre(HasSubstr("--scheme fault-filtered")));
  EXPECT_THAT(error_message([&] { DataSource({.location = at("list.csv"), .fault_filtered = true}); }),
              HasSubstr("is for GTZAN's excerpts"));
  EXPECT_THAT(error_message([&] { DataSource({.location = pack(), .fault_filtered = true}); }), HasSubstr("GTZAN"));
}

TEST_F(DataSourceTest, IsNamedByItsFolderOrFile) {
  EXPECT_EQ(DataSource({.location = at("folder")}).name(), "folder");
  EXPECT_EQ(DataSource({.location = at("table.csv")}).name(), "table");
  EXPECT_EQ(DataSource({.location = at("folder")}).location(), fs::canonical(at("folder")).string());
}

TEST_F(DataSourceTest, HasAFingerprintThatChangesWithTheTracksAndTheNumbers) {
  const auto of = [](const DataSourceConfig& config) { return DataSource(config).fingerprint(); };
  const DataSourceConfig list{.location = at("list.csv")}, table{.location = at("table.csv")};
  EXPECT_EQ(of(list), of(list));
  std::set<std::string> seen = {of(list),
                                of(table),
                                of({.location = pack()}),
                                of({.location = features()}),
                                of({.location = at("list.csv"), .tables = {at("features.npy")}}),
                                of({.location = at("table.csv"), .genres = {.merge = {"Jazz=Rock"}}}),
                                of({.location = at("table.csv"), .genres = {.min_groups = 1}})};
  const std::string rows = read_file(at("list.csv")), numbers = read_file(at("table.csv"));
  const auto changed = [&](const std::string& text, const std::string& from, const std::string& to) {
    std::string other = text;
    other.replace(other.find(from), from.size(), to);
    return other;
  };
  for (const auto& [from, to] : {std::pair("artist 3,3", "artist 3,33"),
                                 {"artist 3,3", "another,3"},
                                 {"0.wav,Jazz", "0.wav,Rock"},
                                 {"Jazz/1.wav", "Jazz/2.wav"}}) {
    write_file(at("list.csv"), changed(rows, from, to));
    EXPECT_TRUE(seen.insert(of(list)).second) << from << " " << to;
  }
  write_file(at("table.csv"), changed(numbers, ",10\n", ",11\n"));
  EXPECT_TRUE(seen.insert(of(table)).second);
  EXPECT_EQ(seen.size(), 12u);
}

TEST_F(DataSourceTest, StatesTheLengthsOfTheClipsThatAreUsed) {
  const DataSource source({.location = at("list.csv"), .features = "raw10k"});
  Examples examples = source.load(at("extracted.npy"), quiet).examples;
  const auto facts = source.clip_facts(examples, quiet);
  ASSERT_TRUE(facts);
  constexpr double kLength_s = 24000 / 22050.0;
  EXPECT_NEAR(facts->least_s, kLength_s, 1e-6);
  EXPECT_NEAR(facts->median_s, kLength_s, 1e-6);
  EXPECT_NEAR(facts->most_s, kLength_s, 1e-6);
  EXPECT_NEAR(facts->total_s, 8 * kLength_s, 1e-5);
  examples.subjects.ids = {"3"};
  EXPECT_NEAR(source.clip_facts(examples, quiet)->total_s, kLength_s, 1e-6);
  examples.subjects.ids = {"unknown"};
  EXPECT_FALSE(source.clip_facts(examples, quiet));
  features();
  EXPECT_FALSE(DataSource({.location = at("list.csv"), .tables = {at("features.npy")}}).clip_facts(examples, quiet));
}

TEST_F(DataSourceTest, ReportsNoTimeOfExtractionForFeaturesThatExist) {
  features();
  EXPECT_EQ(DataSource({.location = at("table.csv")}).load(at("x.npy"), quiet).extract_s, 0);
  EXPECT_EQ(DataSource({.location = at("list.csv"), .tables = {at("features.npy")}}).load(at("x.npy"), quiet).extract_s,
            0);
  const DataSource source({.location = at("list.csv"), .features = "raw10k"});
  EXPECT_GT(source.load(at("x.npy"), quiet).extract_s, 0);
  EXPECT_EQ(source.load(at("x.npy"), quiet).extract_s, 0);
}

TEST_F(DataSourceTest, JoinsTheTablesOfSeveralSetsAndReportsTracksThatAreNotInAll) {
  features();
  std::string few = "track_id,genre,a\n";
  for (const int i : {1, 2, 6}) few += fmt::format("{},{},{}\n", i, i < 4 ? "Jazz" : "Rock", i);
  write_file(at("few.csv"), few);
  const DataSource source({.location = at("list.csv"), .tables = {at("features.npy"), "few=" + at("few.csv")}});
  const FeaturesPath path = [&](const std::string& set, std::size_t) { return at("extracted-" + set + ".npy"); };
  const JoinedExamples joined = load_joined(source, {"", "few"}, path, quiet);
  EXPECT_THAT(joined.examples.subjects.ids, ElementsAre("1", "2", "6"));
  EXPECT_THAT(joined.examples.labels, ElementsAre("Jazz", "Rock"));
  ASSERT_EQ(joined.skipped.size(), 5u);
  EXPECT_EQ(joined.skipped[0].reason, "not in every table");
  EXPECT_EQ(joined.skipped[0].where, "0");
  ASSERT_EQ(joined.features.size(), 2u);
  EXPECT_EQ(joined.features[0].columns, 10000u);
  EXPECT_EQ(joined.features[1].columns, 1u);
  EXPECT_EQ(joined.features[1].recipe.name, "few");
  EXPECT_EQ(joined.table_of("few").values, Matrix(3, 1, {1, 2, 6}));
  const DataSource named({.location = at("few.csv"), .tables = {"mine=" + at("features.npy")}});
  EXPECT_EQ(load_joined(named, {"mine"}, path, quiet).features.back().recipe.name, "raw10k");
  write_file(at("few.csv"), "track_id,genre,a\n77,Jazz,1\n78,Rock,1\n");
  EXPECT_THAT(error_message([&] {
                load_joined(source, {"", "few"}, path, quiet);
              }),
              HasSubstr("no track is in every table"));
}

TEST_F(DataSourceTest, ExtractsTheSetsOfAStudyInOnePass) {
  const DataSource source({.location = at("list.csv"), .features = "raw10k"});
  const FeaturesPath path = [&](const std::string& set, std::size_t columns) {
    return at("features-" + set + table_ending(columns));
  };
  struct : Progress {
    void begin(std::string_view what, std::string_view, std::uint64_t, std::uint64_t) override {
      begun.emplace_back(what);
    }
    std::vector<std::string> begun;
  } stages;
  const JoinedExamples joined = load_joined(source, {"", "mfcc", "raw10k"}, path, stages);
  EXPECT_THAT(stages.begun, ElementsAre("extracting raw10k, mfcc"));
  ASSERT_EQ(joined.features.size(), 2u);
  EXPECT_GT(joined.features[0].extract_s, 0);
  EXPECT_EQ(joined.features[0].extract_s, joined.features[1].extract_s) << "shares of one pass";
  EXPECT_TRUE(file_exists(at("features-.npy")));
  EXPECT_TRUE(file_exists(at("features-mfcc.csv")));
  EXPECT_EQ(joined.table_of("mfcc").track_ids, joined.examples.subjects.ids);
}

TEST_F(DataSourceTest, NotesThatAPackHasNoArtists) {
  Notes with, without;
  DataSource({.location = pack()}).load(with);
  write_file(at("nameless.csv"), "path,genre\nfolder/Jazz/0.wav,Jazz\nfolder/Rock/4.wav,Rock\n");
  const auto set = make_feature_set("raw10k");
  pack_dataset(open_dataset(at("nameless.csv")), {{set.get(), at("nameless")}}, nullptr, {.shards = 1}, quiet);
  DataSource({.location = at("nameless")}).load(without);
  EXPECT_THAT(with.texts, ::testing::IsEmpty());
  EXPECT_THAT(without.texts, ElementsAre(HasSubstr("the pack has no artist names")));
}

/// The user's cache of features is in a folder of the test.
struct CachedFeatures : DataSourceTest {
  std::uint64_t extracted(const std::string& set, const std::string& table) {
    struct : Progress {
      void begin(std::string_view what, std::string_view, std::uint64_t all, std::uint64_t done) override {
        if (what.starts_with("extracting")) extracted = all - done;
      }
      std::uint64_t extracted = 0;
    } counted;
    DataSource({.location = at("list.csv"), .features = set}).load(at(table), counted);
    return counted.extracted;
  }
  testing::TemporaryFolder cache;
  testing::Environment variable{"GENREWISE_CACHE", cache.path()};
};

TEST_F(CachedFeatures, AreFoundByTheNextRun) {
  const std::uint64_t all = extracted("mfcc", "first.csv");
  EXPECT_GT(all, 0u);
  EXPECT_EQ(extracted("mfcc", "second.csv"), 0u);
  EXPECT_EQ(read_file(at("second.csv")), read_file(at("first.csv")));
  EXPECT_EQ(read_file(at("second.csv.json")), read_file(at("first.csv.json")));
  ASSERT_EQ(cache.names().size(), 1u);
  EXPECT_THAT(cache.names().front(), ::testing::StartsWith("mfcc-"));
  const DataSource source({.location = at("list.csv")});
  const FeatureCache kept(cache.path());
  EXPECT_EQ(kept.share(source.audio(), *make_feature_set("mfcc")), 1);
  EXPECT_EQ(kept.share(source.audio(), *make_feature_set("fma518")), 0);
}

TEST_F(CachedFeatures, AreExtractedAgainWhereTheyAreWideDamagedOrOfAnotherClip) {
  EXPECT_GT(extracted("raw10k", "wide.npy"), 0u);
  EXPECT_GT(extracted("raw10k", "wide2.npy"), 0u);
  EXPECT_TRUE(cache.names().empty());
  const std::uint64_t all = extracted("mfcc", "first.csv");
  const FeatureCache kept(cache.path());
  const FeatureRecipe recipe = make_feature_set("mfcc")->recipe();
  ASSERT_EQ(kept.tables(recipe).size(), 1u);
  std::string bytes = read_file(kept.tables(recipe)[0]);
  bytes.back() ^= 1;
  write_file(kept.tables(recipe)[0], bytes);
  EXPECT_EQ(extracted("mfcc", "second.csv"), all);
  EXPECT_EQ(extracted("mfcc", "third.csv"), 0u) << "the damaged table was replaced";
  const DataSource source({.location = at("list.csv")});
  std::filesystem::last_write_time(source.audio().tracks[0].path, std::filesystem::file_time_type::clock::now());
  EXPECT_EQ(extracted("mfcc", "fourth.csv"), 1u);
  EXPECT_EQ(kept.tables(recipe).size(), 2u) << "neither has all clips of the other";
}

TEST_F(CachedFeatures, AreKeptByTheRunThatContinuesAnInterruptedOne) {
  struct StopsBeforeTheTable : Progress {
    void finish() override { request_interrupt(); }
  } stopping;
  const auto set = make_feature_set("mfcc");
  const auto extract = [&](Progress& progress) {
    const FeatureCache kept(cache.path());
    return extract_features(open_dataset(at("list.csv")), {{set.get(), at("mfcc.csv")}}, progress, 0, &kept);
  };
  EXPECT_THROW(extract(stopping), Interrupted);
  clear_interrupt();
  EXPECT_EQ(extract(quiet).at(0).extracted, 0u);
  EXPECT_EQ(FeatureCache(cache.path()).tables(set->recipe()).size(), 1u);
}

TEST_F(CachedFeatures, AreNotUsedWhereTheCacheIsOff) {
  const testing::Environment off("GENREWISE_CACHE", "off");
  EXPECT_GT(extracted("mfcc", "first.csv"), 0u);
  EXPECT_GT(extracted("mfcc", "second.csv"), 0u);
  EXPECT_TRUE(cache.names().empty());
}

TEST_F(CachedFeatures, OfTheLeastRecentlyUsedTablesAreRemovedAboveTheLimit) {
  extracted("mfcc", "first.csv");
  const FeatureRecipe recipe = make_feature_set("mfcc")->recipe(), other{"other", 1, std::string(64, 'b')};
  const FeatureCache kept(cache.path()), small(cache.path(), 100'000);
  const std::filesystem::path table = kept.tables(recipe)[0], wide = small.location(other, std::string(64, 'c'));
  write_file(wide, std::string(200'000, 'x'));
  small.tidy(other, wide);
  EXPECT_FALSE(file_exists(wide)) << "larger than the limit";
  EXPECT_TRUE(file_exists(table));
  FeatureCache(cache.path(), 10).tidy(other, wide);
  EXPECT_FALSE(file_exists(table) || file_exists(sidecar_path(table)));
}

TEST_F(CachedFeatures, ThatCannotBeKeptAreNoError) {
  write_file(cache / "mfcc-", "");
  const testing::Environment file("GENREWISE_CACHE", (cache / "mfcc-").string());
  EXPECT_GT(extracted("mfcc", "first.csv"), 0u);
}

}  // namespace
}  // namespace genrewise
