// From FMA's archives on a server to the report of a study, without a hand.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/dataset/fetch.hpp"
#include "genrewise/base/child_process.hpp"
#include "storage/http_server.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr int kTracks = 30;

/// fma_metadata.zip and fma_small.zip as FMA publishes them: MP3 files in folders of a thousand ids, a track without
/// audio, another one without an entry, and tracks.csv with three header rows.
void make_archives(const fs::path& folder) {
  std::string csv =
      ",set,set,track,track,artist,artist,album,album\n"
      ",split,subset,genre_top,title,id,name,id,title\n"
      "track_id,,,,,,,,\n";
  for (int i = 0; i < kTracks; ++i) {
    const int id = 990 + i;  // in two folders
    const char* genre = kMadeGenres[i % 3];
    const char* part = i / 3 < 6 ? "training" : i / 3 < 8 ? "validation" : "test";
    csv += fmt::format("{},{},small,{},\"A, \"\"title\"\"\nof two lines\",{},Artist,{},Album\n", id, part, genre, i, i);
    const fs::path path = folder / fmt::format("fma_small/{:03}/{:06}.mp3", id / 1000, id);
    make_folders(path.parent_path());
    const char* real[] = {"sweep_cbr.mp3", "sweep_vbr.mp3", "sweep_22k.mp3"};  // the others are WAV inside
    write_file(path, i == 4 ? "" : i < 3 ? read_file(golden_path("audio") / real[i]) : made_wav(genre, i, 1));
  }
  write_file(folder / "fma_small/README.txt", "made for a test");
  make_folders(folder / "fma_metadata");
  write_file(folder / "fma_metadata/tracks.csv", csv + "7,training,small,noise,without audio,7,Artist,7,Album\n");
  for (const std::string name : {"fma_metadata", "fma_small"})
    ASSERT_EQ(run_process({"7z", "a", name + ".zip", name}, folder, [](std::string_view) {}), 0);
}

TEST(FmaChain, RunsFromTheArchivesOnAServerToTheReport) {
  if (find_program("7z").empty()) GTEST_SKIP() << "needs 7-Zip (p7zip-full), which is not installed";
  const TemporaryFolder folder;
  make_archives(folder / "made");
  HttpServer server([&](const HttpRequest& request) {
    return serve_file(request, read_file((folder / "made").string() + request.path));
  });
  std::vector<FolderArchive> archives;
  for (const std::string name : {"fma_metadata", "fma_small"}) {
    Hasher hasher(HashKind::sha1);
    hasher.update(read_file(folder / "made" / (name + ".zip")));
    archives.push_back({.url = server.url("/" + name + ".zip"),
                        .folder = name,
                        .checksum = {HashKind::sha1, hasher.hex()},
                        .disk_bytes = 10'000'000});
  }
  Progress quiet;
  const std::string data = folder / "data/fma", run = folder / "runs/fma";
  fetch_archives(archives, data, false, quiet);
  const Ran studied = run_program({"study", data, "-o", run, "--models", "gnb", "raw10k/knn:n_neighbors=3", "--json"});
  ASSERT_EQ(studied.code, 3) << studied.err;  // two tracks cannot be used
  const json results = json::parse(studied.out);
  EXPECT_EQ(results.at("split").at("scheme"), "official");
  EXPECT_EQ(results.at("dataset").at("kind"), "fma");
  EXPECT_EQ(results.at("models").size(), 2u);
  EXPECT_THAT(studied.err, HasSubstr("empty file"));
  EXPECT_THAT(studied.err, HasSubstr("missing file"));
  EXPECT_THAT(read_file(run + "/report.html"), HasSubstr("<!DOCTYPE html>"));
  EXPECT_EQ(run_program({"report", run, "-o", folder / "table.tex"}).code, 0);
  fetch_archives(archives, data, false, quiet);  // everything is there already
  EXPECT_EQ(server.requests().size(), 2u);
}

}  // namespace
}  // namespace genrewise::testing
