#include "genrewise/models/neural/training/training_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise::neural {
namespace {

using nlohmann::json;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

const json kIdentity = {{"kind", "dense"}, {"parameters", {{"learning_rate", "0.001"}}}};

std::string reopened(const std::filesystem::path& folder, const json& identity = kIdentity) {
  return error_message([&] { const TrainingLog log(folder, identity); });
}

TEST(TrainingLog, ReopensTheFolderOfTheSameRunAndNamesTheDifferenceOfAnother) {
  const TemporaryFolder folder;
  EXPECT_EQ(reopened(folder / "run"), "no error");
  EXPECT_EQ(reopened(folder / "run"), "no error");
  json other = kIdentity;
  other["parameters"]["learning_rate"] = "0.5";
  EXPECT_THAT(reopened(folder / "run", other), HasSubstr("belongs to another training run: parameters/learning_rate"));
}

TEST(TrainingLog, NeverTakesADamagedConfigurationForTheSame) {
  for (const char* damage : {"", " ", "{", "null", "[]", "\xff", "{\"kind\":\"dense\"}", "{\"kind\""}) {
    const TemporaryFolder folder;
    ASSERT_EQ(reopened(folder / "run"), "no error");
    write_file(folder / "run" / "config.json", damage);
    EXPECT_NE(reopened(folder / "run"), "no error") << damage;
  }
}

TEST(TrainingLog, NeverTakesAConfigurationWithAFlippedBitForTheSameUnlessItsContentIs) {
  const TemporaryFolder folder;
  ASSERT_EQ(reopened(folder / "run"), "no error");
  const std::string text = read_file(folder / "run" / "config.json");
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string flipped = text;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 7));
    write_file(folder / "run" / "config.json", flipped);
    if (reopened(folder / "run") == "no error") {
      json content = parse_json(flipped, "config.json");
      for (const auto& [name, value] : kIdentity.items()) EXPECT_EQ(content.at(name), value) << at;
    }
  }
}

TEST(TrainingLog, AcceptsAConfigurationOfAnEarlierVersionWithoutAChecksumIfItIsTheSame) {
  const TemporaryFolder folder;
  ASSERT_EQ(reopened(folder / "run"), "no error");
  write_file(folder / "run" / "config.json", kIdentity.dump());
  EXPECT_EQ(reopened(folder / "run"), "no error");
}

TEST(TrainingLog, RefusesACheckpointWhoseConfigurationIsMissing) {
  const TemporaryFolder folder;
  ASSERT_EQ(reopened(folder / "run"), "no error");
  write_file(folder / "run" / "last.safetensors", "of whom?");
  std::filesystem::remove(folder / "run" / "config.json");
  EXPECT_THAT(reopened(folder / "run"), HasSubstr("config.json is missing"));
}

TEST(TrainingLog, AllowsOneRunPerFolderAndRemovesTheTemporaryFilesOfKilledOnes) {
  const TemporaryFolder folder;
  write_file(folder / ".last.safetensors.7.tmp", "half");
  {
    const TrainingLog first(folder.path(), kIdentity);
    EXPECT_FALSE(std::filesystem::exists(folder / ".last.safetensors.7.tmp"));
    EXPECT_THAT(reopened(folder.path()), HasSubstr("another run works in this folder"));
    EXPECT_NO_THROW(TrainingLog(folder.path(), kIdentity, /*writes=*/false));  // another rank of the same run
  }
  EXPECT_EQ(reopened(folder.path()), "no error");
}

}  // namespace
}  // namespace genrewise::neural
