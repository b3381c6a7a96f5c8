#include <gtest/gtest.h>

#include "genrewise/base/error.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/evaluation/evaluation.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/study/study.hpp"
#include "support/pack_fixture.hpp"

namespace genrewise {
namespace {

using testing::packed;
using testing::TemporaryFolder;

TEST(PackEvaluation, EqualsThatOfTheSameExamplesInATable) {
  TemporaryFolder folder;
  const PackManifest pack = packed(folder / "pack", 48);
  std::vector<Fault> damaged;
  Progress quiet;
  const Examples examples = read_packed_examples(pack, damaged, quiet);
  const Split split = make_split(examples.subjects, {.scheme = SplitScheme::official});
  const auto training = split.rows(Part::training), test = split.rows(Part::test);
  const Model model = fit_model(examples, training, make_classifier("knn", {{"n_neighbors", "3"}}, kDefaultSeed), {});
  BatchReader batches(pack, {.batch_size = 5, .part = Part::test});  // several, the last one smaller
  const Metrics by_batches = evaluate(model, batches, kDefaultSeed);
  const Metrics by_rows = evaluate(model, examples, test, kDefaultSeed).metrics;
  EXPECT_EQ(by_batches.confusion, by_rows.confusion);
  EXPECT_EQ(by_batches.accuracy.n, test.size());
  EXPECT_DOUBLE_EQ(by_batches.log_loss, by_rows.log_loss);
}

TEST(PackParts, OfASplitReplaceThoseOfThePack) {
  TemporaryFolder folder;
  const PackManifest pack = packed(folder / "pack", 12);
  std::vector<std::optional<Part>> parts;
  for (const PackedShard& shard : pack.shards) {
    for (const PackedRecord& record : shard.records) parts.push_back(record.part);
  }
  PackManifest other = pack;
  assign_parts(other, parts);
  EXPECT_EQ(other.fingerprint, pack.fingerprint);
  std::ranges::fill(parts, Part::test);
  parts[3] = Part::training;
  assign_parts(other, parts);
  EXPECT_NE(other.fingerprint, pack.fingerprint);
  const auto count = [&](Part part) {
    std::size_t records = 0;
    for (const PackedShard& shard : other.shards)
      records += static_cast<std::size_t>(std::ranges::count(shard.records, part, &PackedRecord::part));
    return records;
  };
  EXPECT_EQ(count(Part::training), 1u);
  EXPECT_EQ(count(Part::test), 11u);
}

}  // namespace
}  // namespace genrewise
