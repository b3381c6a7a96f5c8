#include "genrewise/jobs/launcher_ranks.hpp"

#include <gmock/gmock.h>

#include <map>

#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

std::optional<LauncherRanks> found(const Variables& variables) {
  return ranks_of_launcher([&](const char* name) {
    const auto at = variables.find(name);
    return at == variables.end() ? nullptr : at->second.c_str();
  });
}

TEST(LauncherRanks, AreThoseOfTorchrun) {
  const auto ranks = found({{"RANK", "3"}, {"WORLD_SIZE", "4"}, {"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29500"}});
  ASSERT_TRUE(ranks);
  EXPECT_EQ(ranks->rank, 3);
  EXPECT_EQ(ranks->ranks, 4);
  EXPECT_EQ(ranks->address, "node1:29500");
  EXPECT_EQ(ranks->launcher, "torchrun");
}

TEST(LauncherRanks, HaveAPortOfTheirOwnWhereTorchrunListensOnItsPort) {
  Variables variables = {{"RANK", "0"},
                         {"WORLD_SIZE", "2"},
                         {"MASTER_ADDR", "n"},
                         {"MASTER_PORT", "29500"},
                         {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                         {"TORCHELASTIC_RESTART_COUNT", "0"}};
  const std::string first = found(variables)->address;
  EXPECT_NE(first, "n:29500");
  variables["RANK"] = "1";
  EXPECT_EQ(found(variables)->address, first);
  variables["TORCHELASTIC_RESTART_COUNT"] = "1";
  EXPECT_NE(found(variables)->address, first);
}

TEST(LauncherRanks, AreThoseOfMpirunOnOneMachineWithAPortOfTheJob) {
  Variables variables = {{"OMPI_COMM_WORLD_RANK", "1"},
                         {"OMPI_COMM_WORLD_SIZE", "2"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                         {"PMIX_NAMESPACE", "1234"}};
  const auto one = found(variables);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->rank, 1);
  EXPECT_EQ(one->launcher, "mpirun");
  EXPECT_THAT(one->address, ::testing::StartsWith("127.0.0.1:"));
  variables["OMPI_COMM_WORLD_RANK"] = "0";
  EXPECT_EQ(found(variables)->address, one->address);
  variables["PMIX_NAMESPACE"] = "1235";
  EXPECT_NE(found(variables)->address, one->address);
}

TEST(LauncherRanks, AreThoseOfASlurmStepWithItsFirstNode) {
  Variables variables = {{"SLURM_PROCID", "2"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_JOB_ID", "77"}};
  for (const auto& [list, host] : Variables{{"a12", "a12"},
                                            {"a12,b3", "a12"},
                                            {"node[07-12,20],x1", "node07"},
                                            {"gpu[3,5]", "gpu3"},
                                            {"a,b[1-2]", "a"}}) {
    variables["SLURM_STEP_NODELIST"] = list;
    EXPECT_THAT(found(variables)->address, ::testing::StartsWith(host + ":")) << list;
  }
  variables["MASTER_PORT"] = "4000";
  EXPECT_THAT(found(variables)->address, ::testing::EndsWith(":4000"));
}

TEST(LauncherRanks, AreThoseOfTheInnermostLauncher) {
  const auto ranks = found({{"SLURM_PROCID", "0"},
                            {"SLURM_STEP_NUM_TASKS", "2"},
                            {"RANK", "5"},
                            {"WORLD_SIZE", "8"},
                            {"MASTER_ADDR", "n"},
                            {"MASTER_PORT", "1"}});
  EXPECT_EQ(ranks->ranks, 8);
}

TEST(LauncherRanks, AreNoneOutsideALauncherInABatchScriptAndForASingleRank) {
  EXPECT_FALSE(found({}));
  EXPECT_FALSE(found({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}));
  EXPECT_FALSE(found({{"RANK", "0"}, {"WORLD_SIZE", "1"}}));
}

TEST(LauncherRanks, RefuseVariablesThatContradictEachOtherAndAnUnknownAddress) {
  EXPECT_THAT(error_message([] { found({{"RANK", "4"}, {"WORLD_SIZE", "4"}}); }), HasSubstr("WORLD_SIZE is 4"));
  EXPECT_THAT(error_message([] { found({{"RANK", "one"}, {"WORLD_SIZE", "4"}}); }), HasSubstr("not a whole number"));
  EXPECT_THAT(error_message([] {
                found({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "4"}});
              }),
              HasSubstr("MASTER_ADDR"));
}

}  // namespace
}  // namespace genrewise
