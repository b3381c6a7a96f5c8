#include "genrewise/base/job_part.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

using Variables = std::map<std::string, std::string>;

StatedPart parsed(const std::string& text, const Variables& variables = {}) {
  return parse_job_part(text, [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(JobPart, IsStatedFromOneToTheNumberOfParts) {
  EXPECT_EQ(parsed("1/1").part, (JobPart{1, 1}));
  EXPECT_EQ(parsed("64/64").part, (JobPart{64, 64}));
  EXPECT_EQ(parsed("1/1000000").part, (JobPart{1, kMostParts}));
  EXPECT_THROW(parsed("1/1000001"), UsageError);
  EXPECT_EQ(parsed("3/64").source, "");
  for (const char* text : {"", "/", "3", "0/4", "5/4", "-1/4", "1/0", "a/4", "1/4/4", "1 /4", "1/4x", "auto/0", "auto/",
                           "auto/x", "99999999999999999999/4"})
    EXPECT_THROW(parsed(text), UsageError) << text;
}

TEST(JobPart, HasNamesThatSortByNumber) {
  EXPECT_EQ(part_name({3, 64}), "03-of-64");
  EXPECT_EQ(part_name({7, 7}), "7-of-7");
  EXPECT_EQ(to_string(JobPart{3, 64}), "3/64");
}

TEST(JobPart, IsTakenFromEachLauncher) {
  const Variables slurm = {{"SLURM_ARRAY_TASK_ID", "7"},  {"SLURM_ARRAY_TASK_COUNT", "8"},
                           {"SLURM_ARRAY_TASK_MIN", "1"}, {"SLURM_ARRAY_TASK_MAX", "8"},
                           {"SLURM_PROCID", "0"},         {"SLURM_NTASKS", "4"}};
  EXPECT_EQ(parsed("auto", slurm).part, (JobPart{7, 8}));
  EXPECT_EQ(parsed("auto", slurm).source, "SLURM_ARRAY_TASK_ID");
  EXPECT_EQ(parsed("auto", {{"SLURM_PROCID", "2"}, {"SLURM_STEP_NUM_TASKS", "4"}}).part, (JobPart{3, 4}));
  EXPECT_EQ(parsed("auto", {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}).part, (JobPart{2, 2}));
  EXPECT_EQ(parsed("auto", {{"PMI_RANK", "1"}, {"PMI_SIZE", "3"}}).part, (JobPart{2, 3}));
  EXPECT_EQ(parsed("auto", {{"RANK", "0"}, {"WORLD_SIZE", "2"}}).part, (JobPart{1, 2}));
  EXPECT_EQ(parsed("auto", {{"AWS_BATCH_JOB_ARRAY_INDEX", "9"}, {"AWS_BATCH_JOB_ARRAY_SIZE", "10"}}).part,
            (JobPart{10, 10}));
  EXPECT_EQ(parsed("auto/16", {{"JOB_COMPLETION_INDEX", "5"}}).part, (JobPart{6, 16}));
  EXPECT_EQ(parsed("auto", {{"JOB_COMPLETION_INDEX", "5"}, {"JOB_COMPLETIONS", "6"}}).part, (JobPart{6, 6}));
}

TEST(JobPart, NumbersTheRanksOfAnArraysTasksOneTaskAfterTheOther) {
  const Variables nested = {{"SLURM_ARRAY_TASK_ID", "2"},  {"SLURM_ARRAY_TASK_COUNT", "3"},
                            {"SLURM_ARRAY_TASK_MIN", "0"}, {"SLURM_ARRAY_TASK_MAX", "2"},
                            {"SLURM_PROCID", "1"},         {"SLURM_STEP_NUM_TASKS", "4"}};
  const StatedPart part = parsed("auto", nested);
  EXPECT_EQ(part.part, (JobPart{10, 12}));
  EXPECT_EQ(part.source, "SLURM_ARRAY_TASK_ID, SLURM_PROCID");
}

TEST(JobPart, IsRefusedWhereVariablesAreMissingOrContradictEachOther) {
  EXPECT_THROW(parsed("auto"), UsageError);
  EXPECT_THROW(parsed("auto", {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}), UsageError);  // a script of sbatch -n 4
  EXPECT_THROW(parsed("auto", {{"JOB_COMPLETION_INDEX", "5"}}), UsageError);
  EXPECT_THROW(parsed("auto/5", {{"JOB_COMPLETION_INDEX", "5"}}), UsageError);
  EXPECT_THROW(parsed("auto", {{"RANK", "2"}, {"WORLD_SIZE", "2"}}), UsageError);
  EXPECT_THROW(parsed("auto", {{"RANK", "one"}, {"WORLD_SIZE", "2"}}), UsageError);
  EXPECT_THROW(parsed("auto/4", {{"RANK", "1"}, {"WORLD_SIZE", "2"}}), UsageError);
  const Variables gaps = {{"SLURM_ARRAY_TASK_ID", "40"},
                          {"SLURM_ARRAY_TASK_COUNT", "3"},
                          {"SLURM_ARRAY_TASK_MIN", "3"},
                          {"SLURM_ARRAY_TASK_MAX", "40"}};
  EXPECT_THROW(parsed("auto", gaps), UsageError);
}

TEST(JobPart, RangesCoverEachItemOnceAndAreBalanced) {
  std::mt19937_64 random(1);
  for (const std::size_t items : {0, 1, 2, 7, 100, 1001}) {
    std::vector<std::uint64_t> weights(items);
    for (auto& weight : weights) weight = random() % 1000 * (random() % 3);
    std::uint64_t whole = 0, heaviest = 0;
    for (const auto weight : weights) whole += weight, heaviest = std::max(heaviest, weight);
    for (const std::size_t count : {1, 2, 3, 64, 1000}) {
      std::size_t next = 0, next_equal = 0;
      for (std::size_t number = 1; number <= count; ++number) {
        const auto [first, last] = part_range(weights, {number, count});
        EXPECT_EQ(first, next);
        next = last;
        std::uint64_t sum = 0;
        for (std::size_t i = first; i < last; ++i) sum += weights[i];
        EXPECT_LE(sum, whole / count + heaviest + 1);
        const auto equal = part_range(items, {number, count});
        EXPECT_EQ(equal.first, next_equal);
        EXPECT_LE(equal.second - equal.first, items / count + 1);
        next_equal = equal.second;
      }
      EXPECT_EQ(next, items);
      EXPECT_EQ(next_equal, items);
    }
  }
}

TEST(JobPart, RangesOfHugeWeightsAreExact) {
  const std::vector<std::uint64_t> weights(4, std::uint64_t{1} << 61);
  for (std::size_t number = 1; number <= 4; ++number)
    EXPECT_EQ(part_range(weights, {number, 4}), std::pair(number - 1, number));
}

}  // namespace
}  // namespace genrewise
