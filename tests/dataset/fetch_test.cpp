#include "genrewise/dataset/fetch.hpp"
#include "genrewise/dataset/split.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

#include "dataset_fixture.hpp"
#include "genrewise/base/child_process.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "storage/http_server.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::HttpRequest;
using testing::HttpServer;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::serve_file;
using testing::TemporaryFolder;
using testing::touch;

class FetchArchives : public ::testing::Test {
 protected:
  void SetUp() override {
    if (find_program("7z").empty()) GTEST_SKIP() << "needs 7-Zip (p7zip-full), which is not installed";
    touch(folder_ / "in/fma_tiny/000/000002.mp3");
    std::string output;
    ASSERT_EQ(
        run_process({"7z", "a", "../x.zip", "fma_tiny"}, folder_ / "in", [&](std::string_view s) { output += s; }), 0);
    content_ = read_file(folder_ / "x.zip");
  }
  FolderArchive archive(const HttpServer& server) const {
    Hasher hasher(HashKind::sha1);
    hasher.update(content_);
    return {.url = server.url("/fma_tiny.zip"),
            .folder = "fma_tiny",
            .checksum = {HashKind::sha1, hasher.hex()},
            .disk_bytes = 1000};
  }
  TemporaryFolder folder_;
  std::string content_;
  Progress quiet_;
};

TEST_F(FetchArchives, DownloadVerifyUnpackAndRemoveArchives) {
  HttpServer server([&](const HttpRequest& r) { return serve_file(r, content_); });
  fetch_archives({archive(server)}, folder_ / "data/fma", false, quiet_);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "data/fma/fma_tiny/000/000002.mp3"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "data/fma/fma_tiny.zip"));
  fetch_archives({archive(server)}, folder_ / "data/fma", false, quiet_);
  EXPECT_EQ(server.requests().size(), 1u);  // the second call downloads nothing
}

TEST_F(FetchArchives, KeepArchivesOnRequest) {
  HttpServer server([&](const HttpRequest& r) { return serve_file(r, content_); });
  fetch_archives({archive(server)}, folder_ / "data", true, quiet_);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "data/fma_tiny.zip"));
}

TEST_F(FetchArchives, ReportMissingDiskSpaceBeforeTheDownload) {
  HttpServer server([&](const HttpRequest& r) { return serve_file(r, content_); });
  FolderArchive huge = archive(server);
  huge.disk_bytes = std::uint64_t{1} << 60;
  EXPECT_THAT(error_message([&] { fetch_archives({huge}, folder_ / "data", false, quiet_); }),
              HasSubstr("are needed on this disk"));
  EXPECT_THAT(server.requests(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "data"));
}

TEST_F(FetchArchives, CountWhatIsDownloadedAlready) {
  HttpServer server([&](const HttpRequest& r) { return serve_file(r, content_); });
  const std::uint64_t available = std::filesystem::space(folder_.path()).available, gibibyte = std::uint64_t{1} << 30;
  FolderArchive large = archive(server);
  large.disk_bytes = available + gibibyte;
  const auto partial = folder_ / "data/fma_tiny.zip.partial";
  touch(partial);
  const auto problem = [&] { return error_message([&] { fetch_archives({large}, folder_ / "data", false, quiet_); }); };
  EXPECT_THAT(problem(), HasSubstr("are needed on this disk"));
  std::filesystem::resize_file(partial, 2 * gibibyte);  // takes no space
  EXPECT_THAT(problem(), Not(HasSubstr("are needed on this disk")));
}

TEST_F(FetchArchives, TakeFmaFromTheMirrorMetadataFirstAndVerifyIt) {
  HttpServer server([&](const HttpRequest& r) { return serve_file(r, content_); });
  const auto space = std::filesystem::space(folder_.path());
  if (space.available < find_fetchable("fma-metadata").disk_bytes) GTEST_SKIP() << "needs 2 GiB of free disk";
  EXPECT_THAT(error_message(
                  [&] { fetch("fma-metadata", {.folder = folder_ / "fma", .mirror = server.url("/mirror")}, quiet_); }),
              HasSubstr("checksum"));
  ASSERT_THAT(server.requests(), ::testing::SizeIs(1));
  EXPECT_EQ(server.requests()[0].path, "/mirror/fma_metadata.zip");
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "fma"));

  if (space.available < find_fetchable("fma-small").disk_bytes) GTEST_SKIP() << "needs 15 GiB of free disk";
  std::filesystem::create_directory(folder_ / "fma/fma_metadata");
  EXPECT_THAT(
      error_message([&] { fetch("fma-small", {.folder = folder_ / "fma", .mirror = server.url("/mirror")}, quiet_); }),
      HasSubstr("checksum"));
  EXPECT_EQ(server.requests().back().path, "/mirror/fma_small.zip");
}

TEST(Fetch, ListsTheAvailableDatasets) {
  Progress quiet;
  EXPECT_THAT(error_message([&] { fetch("fma-tiny", {}, quiet); }),
              AllOf(HasSubstr("'fma-tiny'"), HasSubstr("fma-small")));
}

TEST(DemoCsv, NamesEveryClipOnceWithEnoughTracksPerGenre) {
  CsvReader reader(demo_csv(), "demo.csv");
  std::vector<std::string_view> fields;
  ASSERT_TRUE(reader.next(fields));
  EXPECT_THAT(fields,
              ElementsAre("track_id", "path", "genre", "artist", "album", "title", "start_s", "duration_s", "package"));
  std::set<std::string> ids;
  std::map<std::string, std::set<std::string>> tracks;
  while (reader.next(fields)) {
    ASSERT_EQ(fields.size(), 9u) << reader.line();
    EXPECT_TRUE(ids.emplace(fields[0]).second) << fields[0];
    EXPECT_TRUE(fields[1].starts_with(std::string(fields[8]) + "/usr/")) << fields[1];
    tracks[std::string(fields[2])].emplace(fields[1]);
    double start = -1, duration = 0;
    EXPECT_TRUE(parse_number(fields[6], start) && parse_number(fields[7], duration));
    EXPECT_GE(start, 0);
    EXPECT_GE(duration, 29);
  }
  EXPECT_GE(tracks.size(), 4u);
  for (const auto& [genre, names] : tracks) EXPECT_GE(names.size(), 8u) << genre;
}

TEST(DemoCsv, CanBeSplitByArtists) {
  CsvReader reader(demo_csv(), "demo.csv");
  std::vector<std::string_view> fields;
  reader.next(fields);
  SplitSubjects subjects;
  while (reader.next(fields)) {
    auto genre = std::ranges::find(subjects.labels_by_name, fields[2]);
    subjects.labels.push_back(static_cast<int>(genre - subjects.labels_by_name.begin()));
    if (genre == subjects.labels_by_name.end()) subjects.labels_by_name.emplace_back(fields[2]);
    subjects.ids.emplace_back(fields[0]);
    subjects.tracks.emplace_back(fields[1]);
    subjects.artists.emplace_back(fields[3]);
    subjects.albums.emplace_back(fields[4]);
  }
  subjects.official.resize(subjects.ids.size());
  const Split split = make_split(subjects, {.scheme = SplitScheme::grouped});
  for (const Part part : {Part::training, Part::validation, Part::test}) {
    std::set<int> genres;
    for (const std::size_t row : split.rows(part)) genres.insert(subjects.labels[row]);
    EXPECT_EQ(genres.size(), subjects.labels_by_name.size()) << to_string(part);
  }
}

/// apt-get and dpkg-deb as scripts that write the contents of real packages.
class FetchDemo : public ::testing::Test {
 protected:
  FetchDemo() : path_(std::getenv("PATH")) {
    CsvReader reader(demo_csv(), "demo.csv");
    std::vector<std::string_view> fields;
    reader.next(fields);
    std::string list;
    while (reader.next(fields)) {
      list += fmt::format("{}\n", fields[1]);
      packages_.emplace(fields[8]);
    }
    write_file(folder_ / "files", list);
    script("apt-get", "echo \"$3\" >> " + (folder_ / "downloads").string() + "; echo > \"$3_1_all.deb\"");
    script("dpkg-deb",
           "p=$(basename \"$2\" _1_all.deb); mkdir -p \"$3/usr/share/doc/$p\"; "
           "echo free > \"$3/usr/share/doc/$p/copyright\"; grep \"^$p/\" " +
               (folder_ / "files").string() +
               " | sort -u | while read -r f; do f=\"$3/${f#*/}\"; mkdir -p \"${f%/*}\"; echo > \"$f\"; done");
    ::setenv("PATH", (folder_.path() / "bin").string().append(":/usr/bin:/bin").c_str(), 1);
  }
  ~FetchDemo() override { ::setenv("PATH", path_.c_str(), 1); }

  void script(const std::string& name, const std::string& body) {
    make_folders(folder_ / "bin");
    write_file(folder_ / "bin" / name, "#!/bin/sh\n" + body + "\n");
    std::filesystem::permissions(folder_ / "bin" / name, std::filesystem::perms::owner_all);
  }
  FetchResult get() {
    Progress quiet;
    return fetch("demo", {.folder = folder_ / "demo"}, quiet);
  }
  std::size_t downloaded() const {
    const std::string lines = read_file(folder_ / "downloads");
    return static_cast<std::size_t>(std::ranges::count(lines, '\n'));
  }

  std::string path_;
  TemporaryFolder folder_;
  std::set<std::string> packages_;
};

TEST_F(FetchDemo, ExtractsTheFilesOfTheCsvFromThePackages) {
  const FetchResult result = get();
  EXPECT_EQ(result.dataset, folder_ / "demo/demo.csv");
  EXPECT_THAT(result.missing, IsEmpty());
  const Dataset dataset = open_dataset(result.dataset);
  EXPECT_THAT(dataset.rejected, IsEmpty());
  EXPECT_GE(dataset.labels.size(), 4u);
  EXPECT_EQ(read_file(folder_ / "demo/wesnoth-1.16-music/copyright"), "free\n");
  EXPECT_EQ(downloaded(), packages_.size());
  get();
  EXPECT_EQ(downloaded(), packages_.size());  // the second call downloads nothing
}

TEST_F(FetchDemo, ReportsFilesThatAnotherPackageVersionLacks) {
  std::string list = read_file(folder_ / "files");
  const std::string gone = "wesnoth-1.16-music/usr/share/games/wesnoth/1.16/data/core/music/sad.ogg\n";
  while (list.find(gone) != std::string::npos) list.erase(list.find(gone), gone.size());
  write_file(folder_ / "files", list);
  const FetchResult result = get();
  ASSERT_EQ(result.missing.size(), 1u);
  EXPECT_THAT(result.missing[0].where, HasSubstr("sad.ogg"));
  EXPECT_THAT(open_dataset(result.dataset).rejected, ::testing::Not(IsEmpty()));
}

TEST_F(FetchDemo, ContinuesAfterAFailureWithTheMissingPackages) {
  script("apt-get",
         "[ \"$3\" = pingus-data ] && { echo 'Reading...'; echo 'E: Unable to locate package'; exit 100; }; "
         "echo > \"$3_1_all.deb\"");
  EXPECT_THAT(error_message([&] { get(); }), AllOf(HasSubstr("Unable to locate package"), HasSubstr("apt-get update")));
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "demo/gunroar-data"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "demo/pingus-data"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "demo/.package"));
  script("apt-get", "echo \"$3\" >> " + (folder_ / "downloads").string() + "; echo > \"$3_1_all.deb\"");
  EXPECT_THAT(get().missing, IsEmpty());
  EXPECT_LT(downloaded(), packages_.size());
}

TEST_F(FetchDemo, ReportsThatItNeedsDebian) {
  ::setenv("PATH", (folder_ / "nothing").c_str(), 1);
  EXPECT_THAT(error_message([&] { get(); }), AllOf(HasSubstr("apt-get"), HasSubstr("Debian")));
}

}  // namespace
}  // namespace genrewise
