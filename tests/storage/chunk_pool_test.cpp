#include "genrewise/storage/transfer.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "genrewise/base/runtime.hpp"
#include "support/no_threads.hpp"

namespace genrewise {
namespace {

TEST(TransferThreads, WithoutNewOnesShareTheWorkOrRefuseIt) {
  std::atomic<int> ran{0};
  std::atomic<bool> go{false};
  TransferThreads threads(4);
  {
    const testing::NoThreads none;
    EXPECT_THROW(threads.run([&] { ran = -1; }), ThreadError);
  }
  threads.run([&] {
    go.wait(false);
    ++ran;
  });
  const testing::NoThreads none;
  threads.run([&] { ++ran, ran.notify_all(); });
  go = true;
  go.notify_all();
  for (int seen = ran; seen < 2; seen = ran) ran.wait(seen);
  EXPECT_EQ(ran, 2);
}

TEST(ChunkPool, ReusesTheMostRecentlyReturnedMemoryFirst) {
  ChunkPool pool;
  auto first = pool.get(ChunkPool::kChunkBytes), second = pool.get(ChunkPool::kChunkBytes);
  const std::byte *at = first.get(), *other = second.get();
  second.reset();
  first.reset();
  EXPECT_EQ(pool.get(ChunkPool::kChunkBytes).get(), at);
  const auto again = pool.get(ChunkPool::kChunkBytes), next = pool.get(ChunkPool::kChunkBytes);
  EXPECT_EQ(again.get(), at);
  EXPECT_EQ(next.get(), other);
}

TEST(ChunkPool, NeverHandsOutOneChunkTwice) {
  ChunkPool pool;
  std::vector<std::shared_ptr<std::byte[]>> chunks;
  std::set<const std::byte*> addresses;
  for (int i = 0; i < 100; ++i) {
    const std::size_t bytes = i % 3 == 0 ? 1'000 : ChunkPool::kChunkBytes;
    chunks.push_back(pool.get(bytes));
    std::memset(chunks.back().get(), i, bytes);
    addresses.insert(chunks.back().get());
  }
  EXPECT_EQ(addresses.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(std::to_integer<int>(chunks[static_cast<std::size_t>(i)][999]), i);
}

TEST(ChunkPool, ServesSeveralThreadsAndMayBeDestroyedBeforeItsChunks) {
  auto pool = std::make_unique<ChunkPool>();
  const auto kept = pool->get(ChunkPool::kChunkBytes);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&pool, i] {
        for (int k = 0; k < 200; ++k) {
          const auto chunk = pool->get(ChunkPool::kChunkBytes);
          std::memset(chunk.get(), i, 64);
          EXPECT_EQ(std::to_integer<int>(chunk[63]), i);
        }
      });
    }
  }
  pool.reset();
  std::memset(kept.get(), 7, ChunkPool::kChunkBytes);
  EXPECT_EQ(std::to_integer<int>(kept[ChunkPool::kChunkBytes - 1]), 7);
}

}  // namespace
}  // namespace genrewise
