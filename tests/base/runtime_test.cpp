#include "genrewise/base/runtime.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"

namespace genrewise {
namespace {

struct Notes : Progress {
  void note(std::string_view text) override { texts.emplace_back(text); }
  std::vector<std::string> texts;
};

struct Counter {
  int count = 0;
};

TEST(Runtime, IsTheDefaultOfTheProcessUnlessOneIsInUse) {
  Runtime& by_default = Runtime::current();
  EXPECT_GE(thread_budget(), 1);
  {
    Runtime mine;
    const UseRuntime use(mine);
    EXPECT_EQ(&Runtime::current(), &mine);
    {
      Runtime inner;
      const UseRuntime use_inner(inner);
      EXPECT_EQ(&Runtime::current(), &inner);
    }
    EXPECT_EQ(&Runtime::current(), &mine);
  }
  EXPECT_EQ(&Runtime::current(), &by_default);
}

TEST(Runtime, UsesTheProcessorsThatTheThreadMayRunOn) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(Runtime().threads(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(Runtime().threads(), CPU_COUNT(&before));
}

TEST(Runtime, RefusesInvalidThreadCountsAndDevices) {
  EXPECT_THROW(Runtime({.threads = -1}), Error);
  for (const char* device : {"tpu", "cuda:", "cuda:x", "cuda:/", "cuda::", "cuda:1234", ""})
    EXPECT_THROW(Runtime({.device = device}), Error);
  for (const char* device : {"auto", "cpu", "cuda", "cuda:0", "cuda:9", "cuda:123"})
    EXPECT_EQ(Runtime({.device = device}).device(), device);
}

TEST(Runtime, IsCurrentInItsWorkerThreads) {
  Runtime runtime({.threads = 3});
  const UseRuntime use(runtime);
  std::atomic<int> foreign{0};
  parallel_for(50, [&](std::size_t, int) { foreign += &Runtime::current() != &runtime; });
  start_thread([&] { foreign += &Runtime::current() != &runtime; }).join();
  start_thread([&](const std::stop_token&) { foreign += &Runtime::current() != &runtime; }).join();
  EXPECT_EQ(foreign, 0);
}

TEST(Runtime, SharesNoThreadsInterruptsProgressOrServicesWithAnotherOne) {
  Notes left_notes, right_notes;
  Runtime left({.threads = 2, .progress = &left_notes}), right({.threads = 5, .progress = &right_notes});
  std::atomic<int> left_items{0}, right_items{0}, wrong{0};
  bool left_stopped = false, right_stopped = false;
  const auto work = [&wrong](Runtime& runtime, std::atomic<int>& items, bool& stopped, int threads, const char* name) {
    const UseRuntime use(runtime);
    wrong += thread_budget() != threads;
    runtime.service<Counter>().count = threads;
    Runtime::current().progress().note(name);
    try {
      parallel_for(2000, [&](std::size_t i, int) {
        ++items;
        if (threads == 2 && i == 100) request_interrupt();
      });
    } catch (const Interrupted&) {
      stopped = true;
    }
    wrong += runtime.service<Counter>().count != threads;
  };
  {
    std::jthread first([&] { work(left, left_items, left_stopped, 2, "left"); });
    std::jthread second([&] { work(right, right_items, right_stopped, 5, "right"); });
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(left_stopped);
  EXPECT_LT(left_items, 2000);
  EXPECT_FALSE(right_stopped);
  EXPECT_EQ(right_items, 2000);
  EXPECT_EQ(left_notes.texts, std::vector<std::string>{"left"});
  EXPECT_EQ(right_notes.texts, std::vector<std::string>{"right"});
}

TEST(Runtime, HoldsBackOnlyItsOwnInterrupts) {
  Runtime held, other;
  held.request_interrupt();
  other.request_interrupt();
  {
    const UseRuntime use(held);
    const HoldInterrupts hold;
    EXPECT_NO_THROW(throw_if_interrupted());
    EXPECT_TRUE(interrupt_requested());
    EXPECT_THROW(other.throw_if_interrupted(), Interrupted);
  }
  EXPECT_THROW(held.throw_if_interrupted(), Interrupted);
  held.clear_interrupt();
  EXPECT_NO_THROW(held.throw_if_interrupted());
}

TEST(Runtime, DestroysItsServicesInReverseOrder) {
  static std::vector<char> ended;
  struct First {
    ~First() { ended.push_back('1'); }
  };
  struct Second {
    ~Second() { ended.push_back('2'); }
  };
  ended.clear();
  {
    Runtime runtime;
    runtime.service<First>();
    runtime.service<Second>();
  }
  EXPECT_EQ(ended, (std::vector<char>{'2', '1'}));
}

}  // namespace
}  // namespace genrewise
