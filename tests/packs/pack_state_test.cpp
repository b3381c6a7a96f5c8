// Manifests and journals of packs that were damaged or edited.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "genrewise/base/json_file.hpp"
#include "genrewise/base/runtime.hpp"
#include "support/pack_fixture.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using namespace testing;
using ::testing::HasSubstr;

struct Notes final : Progress {
  void note(std::string_view text) override { all += std::string(text) + "\n"; }
  std::string all;
};

/// Packs until example 8 of 12, as if the power failed then: shard 0 is finished, shard 1 is not.
void pack_partly(const fs::path& folder, const PackConfig& config) {
  Progress quiet;
  auto stopping = numbered_job(12);
  stopping.extract = [made = 0](std::size_t i, int, std::span<float> out) mutable -> Expected<void> {
    if (++made == 8) throw Error("the power fails");
    if (i == 4) return tl::unexpected(Fault{"damaged", "t4", "cannot"});
    std::ranges::copy(values_of(i), out.begin());
    return {};
  };
  EXPECT_THROW(pack_examples(stopping, folder, config, quiet), Error);
}

PackJob job_of_12() {
  auto job = numbered_job(12);
  job.extract = [](std::size_t i, int, std::span<float> out) -> Expected<void> {
    if (i == 4) return tl::unexpected(Fault{"damaged", "t4", "cannot"});
    std::ranges::copy(values_of(i), out.begin());
    return {};
  };
  return job;
}

class PackState : public ::testing::Test {
 protected:
  PackState() {
    pack_examples(job_of_12(), folder_ / "whole", config_, quiet_);
    pack_partly(folder_ / "template", config_);
  }
  /// Changes one file of the unfinished pack, continues, and expects the same pack as without a stop.
  void expect_healed(const char* file, const std::function<void(std::string& bytes)>& change) {
    fs::copy(folder_ / "template", folder_ / "pack", fs::copy_options::recursive);
    std::string bytes = read_file(folder_ / "pack" / ".pack" / file);
    change(bytes);
    put_file(folder_ / "pack" / ".pack" / file, bytes);
    Notes notes;
    Runtime runtime({.progress = &notes});
    const UseRuntime use(runtime);
    pack_examples(job_of_12(), folder_ / "pack", config_, quiet_);
    notes_ = notes.all;
    EXPECT_EQ(contents_of(folder_ / "pack"), contents_of(folder_ / "whole"));
    fs::remove_all(folder_ / "pack");
  }

  TemporaryFolder folder_;
  PackConfig config_{.shards = 2, .stored_as = StoredAs::float16, .threads = 1};
  Progress quiet_;
  std::string notes_;
};

TEST_F(PackState, IsContinuedWithoutExtractingAnExampleTwice) {
  for (const StoredAs stored_as : {StoredAs::float32, StoredAs::float16, StoredAs::uint8}) {
    config_.stored_as = stored_as;
    for (int stop_at = 2; stop_at <= 12; ++stop_at) {
      int made = 0;
      auto job = job_of_12();
      job.extract = [&, extract = job.extract](std::size_t i, int worker, std::span<float> out) {
        if (++made == stop_at) throw Error("the power fails");
        return extract(i, worker, out);
      };
      EXPECT_THROW(pack_examples(job, folder_ / "pack", config_, quiet_), Error);
      pack_examples(job, folder_ / "pack", config_, quiet_);
      EXPECT_EQ(made, 12 + 1) << stop_at;  // only the example at the stop is extracted again
      fs::remove_all(folder_ / "pack");
    }
  }
}

TEST_F(PackState, OfAFinishedShardIsMadeAgainAfterAnEdit) {
  const std::string shard = read_file(folder_ / "template" / ".pack" / "00.json");
  for (std::size_t at = 0; at < shard.size(); at += 37) {
    SCOPED_TRACE(at);
    expect_healed("00.json", [&](std::string& bytes) { bytes[at] = static_cast<char>(bytes[at] ^ 4); });
    EXPECT_THAT(notes_, HasSubstr("00.json"));
  }
}

TEST_F(PackState, OfAFinishedShardIsMadeAgainWhenItIsOfOtherExamplesInSpiteOfItsChecksum) {
  expect_healed("00.json", [](std::string& bytes) {
    json manifest = require_sealed_json(bytes, "00.json");
    json& classes = manifest["shards"][0]["classes"];
    classes[0] = (classes[0].get<int>() + 1) % 3;
    manifest.erase("counts");
    bytes = sealed_text(manifest);
  });
  EXPECT_THAT(notes_, HasSubstr("belongs to another pack; the shard is packed again"));
}

TEST_F(PackState, InTheJournalIsUsedUpToTheFirstDamagedLine) {
  const std::string journal = read_file(folder_ / "template" / ".pack" / "01.journal");
  ASSERT_FALSE(journal.empty());
  for (std::size_t at = 0; at < journal.size(); at += 13) {
    SCOPED_TRACE(at);
    expect_healed("01.journal", [&](std::string& bytes) { bytes[at] = static_cast<char>(bytes[at] ^ 1); });
  }
  for (const char* line : {"{\"example\":-1}\n", "{\"example\":\"x\",\"reason\":3}\n", "[]\n", "{\"example\":[[]]}\n"})
    expect_healed("01.journal", [&](std::string& bytes) { bytes = line + bytes; });
  expect_healed("01.journal", [&](std::string& bytes) {
    bytes = sealed_text({{"example", "x"}, {"reason", 3}}) + bytes;
  });
}

TEST_F(PackState, OfRecordsThatRotBeforeTheyAreCompressedIsPackedAgain) {
  PackConfig config{.shards = 1, .threads = 1};
  config.compression = Compression::gzip;
  auto job = job_of_12();
  job.extract = [&, made = 0, extract = job.extract](std::size_t i, int worker, std::span<float> out) mutable {
    if (++made == 12) {
      std::fstream file(folder_ / "pack" / ".pack" / "00.tfrec", std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(30).put('\xff');
    }
    return extract(i, worker, out);
  };
  EXPECT_THAT(error_message([&] { pack_examples(job, folder_ / "pack", config, quiet_); }), HasSubstr("damaged data"));
  pack_examples(job_of_12(), folder_ / "pack", config, quiet_);
  const PackManifest manifest = open_pack(folder_ / "pack");
  EXPECT_EQ(manifest.size(), 11u);
  EXPECT_TRUE(verify_pack(manifest).empty());
}

TEST_F(PackState, OfAnotherPlanIsRefused) {
  fs::copy(folder_ / "template", folder_ / "pack", fs::copy_options::recursive);
  put_file(folder_ / "pack" / ".pack" / "plan", "");
  EXPECT_THAT(error_message([&] { pack_examples(job_of_12(), folder_ / "pack", config_, quiet_); }),
              HasSubstr("unfinished pack of other data"));
}

TEST_F(PackState, TemporaryFilesOfAKilledRunAreRemoved) {
  fs::copy(folder_ / "template", folder_ / "pack", fs::copy_options::recursive);
  put_file(folder_ / "pack" / ".manifest.json.1.tmp", "half");
  put_file(folder_ / "pack" / ".pack" / ".00.json.2.tmp", "half");
  pack_examples(job_of_12(), folder_ / "pack", config_, quiet_);
  EXPECT_EQ(contents_of(folder_ / "pack"), contents_of(folder_ / "whole"));
}

TEST_F(PackState, InTheManifestIsRefusedWithAFlippedBitUnlessItsContentIsTheSame) {
  const fs::path path = folder_ / "whole" / "manifest.json";
  const std::string text = read_file(path);
  const PackManifest manifest = open_pack(folder_ / "whole");
  for (std::size_t at = 0; at < text.size(); at += 7) {
    std::string flipped = text;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    try {
      EXPECT_EQ(to_json(parse_manifest(flipped, path)), to_json(manifest)) << at;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("manifest.json")) << at;
    }
  }
}

TEST_F(PackState, InTheManifestThatContradictsItselfIsRefusedInSpiteOfItsChecksum) {
  const fs::path path = folder_ / "whole" / "manifest.json";
  const json manifest = require_sealed_json(read_file(path), "manifest.json");
  const auto message = [&](const char* pointer, const json& value) {
    json changed = manifest;
    changed[json::json_pointer(pointer)] = value;
    return error_message([&] { parse_manifest(sealed_text(changed), path); });
  };
  EXPECT_THAT(message("/values", 1'000'000'000'000), HasSubstr("too few for 1000000000000 values"));
  EXPECT_THAT(message("/shards/0/bytes", 12), HasSubstr("has 12 bytes, but its records have"));
  EXPECT_THAT(message("/counts/examples", 5), HasSubstr("counts differ"));
  EXPECT_THAT(message("/labels", json::array({"x"})), HasSubstr("there are 1 labels"));
  EXPECT_THAT(message("/shards/0/file", "../x"), HasSubstr("is not a file name"));
  EXPECT_THAT(message("/skipped", 3), ::testing::Not(HasSubstr("[json")));
}

TEST_F(PackState, WithoutAChecksumIsRefused) {
  const fs::path path = folder_ / "whole" / "manifest.json";
  put_file(path, require_sealed_json(read_file(path), "manifest.json").dump());
  EXPECT_THAT(error_message([&] { open_pack(folder_ / "whole"); }), HasSubstr("its checksum does not fit"));
}

}  // namespace
}  // namespace genrewise
