#include "genrewise/dataset/clip_identity.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>

#include "dataset_fixture.hpp"
#include "support/s3_server.hpp"
#include "support/stores_of_server.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

Dataset dataset_of(const std::vector<std::string>& files) {
  Dataset dataset;
  for (const std::string& file : files) {
    Track track;
    track.id = "id of " + file.substr(file.rfind('/') + 1);
    track.path = file;
    dataset.tracks.push_back(track);
  }
  return dataset;
}

std::string key_of(const Dataset& dataset) {
  return clip_identities(dataset).at(0).key();
}

TEST(ClipIdentity, DependsOnFileAndClipButNotOnTheFolder) {
  const TemporaryFolder folder;
  const fs::path file = folder / "a.wav";
  write_file(file, "sound");
  fs::last_write_time(file, fs::file_time_type(std::chrono::seconds(1000)));
  Dataset dataset = dataset_of({file});
  const std::string key = key_of(dataset);
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(clip_identities(dataset)[0].portable_text(), "a.wav/5/centre/30.000000/1.000000");
  EXPECT_EQ(key_of(dataset), key);

  fs::create_directory(folder / "moved");
  fs::rename(file, folder / "moved" / "a.wav");
  dataset.tracks[0].path = folder / "moved" / "a.wav";
  EXPECT_EQ(key_of(dataset), key);

  dataset.tracks[0].clip.start_s = 1;
  EXPECT_NE(key_of(dataset), key);
  dataset.tracks[0].clip.start_s.reset();
  const std::string text = clip_identities(dataset)[0].portable_text();
  fs::last_write_time(dataset.tracks[0].path, fs::file_time_type(std::chrono::seconds(2000)));
  EXPECT_NE(key_of(dataset), key);
  EXPECT_EQ(clip_identities(dataset)[0].portable_text(), text);  // equal for a copy of the file
  write_file(dataset.tracks[0].path, "sound!");
  EXPECT_NE(clip_identities(dataset)[0].portable_text(), text);
}

TEST(ClipIdentity, DistinguishesAMissingFile) {
  const TemporaryFolder folder;
  const Dataset dataset = dataset_of({folder / "a.wav"});
  const ClipIdentity identity = clip_identities(dataset)[0];
  EXPECT_EQ(identity.bytes, -1);
  EXPECT_FALSE(identity.readable);
  write_file(folder / "a.wav", "");
  EXPECT_NE(key_of(dataset), identity.key());
}

TEST(ClipIdentity, UsesETagsAndListsWholeFoldersInAStore) {
  testing::S3Server server;
  const testing::StoresOfServer stores(server);
  std::vector<std::string> files;
  for (int i = 0; i < 20; ++i) {
    const std::string name = fmt::format("genre/{}.wav", i);
    server.put(name, fmt::format("sound {}", i));
    files.push_back("s3://music/" + name);
  }
  files.push_back("s3://music/genre/missing.wav");
  server.put("genra/one.wav", "one");
  files.push_back("s3://music/genra/one.wav");
  const Dataset dataset = dataset_of(files);
  const auto before = clip_identities(dataset);
  EXPECT_EQ(server.count("HEAD"), 1u);  // for the folder with one file
  EXPECT_EQ(before[3].bytes, 7);
  EXPECT_NE(before[3].version, "");
  EXPECT_EQ(before[20].bytes, -1);
  EXPECT_EQ(before[21].bytes, 3);
  server.put("genre/3.wav", "SOUND 3");  // the same length
  const auto after = clip_identities(dataset);
  for (std::size_t i = 0; i < files.size(); ++i) EXPECT_EQ(after[i].key() == before[i].key(), i != 3) << files[i];
  EXPECT_NE(after[3].portable_text(), before[3].portable_text());
}

TEST(ClipIdentity, LooksUpFilesOneByOneIfListingIsForbidden) {
  testing::S3Server server;
  const testing::StoresOfServer stores(server);
  std::vector<std::string> files;
  for (int i = 0; i < 12; ++i) {
    server.put(fmt::format("{}.wav", i), "sound");
    files.push_back(fmt::format("s3://music/{}.wav", i));
  }
  server.tamper = [](const testing::S3Request& request, testing::S3Response& response) {
    if (request.query.contains("list-type")) response = {.status = 403, .headers = {}, .body = "denied"};
  };
  for (const ClipIdentity& identity : clip_identities(dataset_of(files))) EXPECT_EQ(identity.bytes, 5);
}

}  // namespace
}  // namespace genrewise
