// Random numbers that do not depend on machine, compiler or number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace genrewise {

inline constexpr std::uint64_t kDefaultSeed = 42;

/// xoshiro256** (Blackman and Vigna, 2018), seeded with splitmix64. Distributions of the standard library differ
/// between implementations; the few that are needed are members here.
class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  std::uint64_t next();
  /// Unbiased uniform integer in [0, bound) (Lemire, 2019); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Standard normal (Marsaglia's polar method).
  double normal();

  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_[4];
  double spare_normal_ = 0;
  bool has_spare_ = false;
};

/// Derives an independent seed for one purpose ("split", "svm probabilities", "fold 3") from the user's seed, so a new
/// use of randomness never changes the numbers of another one.
std::uint64_t derive_seed(std::uint64_t seed, std::string_view purpose);

}  // namespace genrewise
