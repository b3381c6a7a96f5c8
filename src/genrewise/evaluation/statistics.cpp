#include "genrewise/evaluation/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "genrewise/base/random.hpp"

namespace genrewise {
namespace {

constexpr double kNormal975 = 1.959963984540054;  // the standard normal's 97.5 % quantile

struct Group {
  std::size_t hits = 0, examples = 0;
};

std::vector<Group> collect(const std::vector<bool>& hits, std::span<const std::string> groups) {
  std::vector<Group> collected;
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const std::size_t at = index.try_emplace(groups[i], collected.size()).first->second;
    if (at == collected.size()) collected.emplace_back();
    ++collected[at].examples;
    collected[at].hits += hits[i];
  }
  return collected;
}

/// Linear interpolation between order statistics, as numpy.quantile does. Sorts.
double quantile(std::vector<double>& values, double q) {
  std::ranges::sort(values);
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

}  // namespace

Score wilson_score(std::size_t hits, std::size_t n) {
  if (n == 0) return {0, 0, 1, 0};
  const double count = static_cast<double>(n), share = static_cast<double>(hits) / count;
  const double z2 = kNormal975 * kNormal975;
  const double centre = (share + z2 / (2 * count)) / (1 + z2 / count);
  const double margin =
      kNormal975 / (1 + z2 / count) * std::sqrt(share * (1 - share) / count + z2 / (4 * count * count));
  return {share, hits == 0 ? 0.0 : centre - margin, hits == n ? 1.0 : centre + margin, n};
}

std::optional<GroupedInterval> cluster_bootstrap(const std::vector<bool>& hits, std::span<const std::string> groups,
                                                 std::uint64_t seed, int rounds) {
  const std::vector<Group> all = collect(hits, groups);
  if (all.size() < 2 || all.size() == hits.size()) return std::nullopt;
  Rng rng(derive_seed(seed, "cluster bootstrap"));
  std::vector<double> shares;
  for (int round = 0; round < rounds; ++round) {
    Group drawn;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Group& group = all[rng.below(all.size())];
      drawn.hits += group.hits;
      drawn.examples += group.examples;
    }
    shares.push_back(static_cast<double>(drawn.hits) / static_cast<double>(drawn.examples));
  }
  const double low = quantile(shares, 0.025);
  return GroupedInterval{low, quantile(shares, 0.975), all.size()};
}

PairedComparison mcnemar(const std::vector<bool>& first_hits, const std::vector<bool>& second_hits) {
  PairedComparison result;
  for (std::size_t i = 0; i < first_hits.size(); ++i) {
    result.only_first += first_hits[i] && !second_hits[i];
    result.only_second += second_hits[i] && !first_hits[i];
  }
  const double n = static_cast<double>(result.only_first + result.only_second);
  double tail = 0;  // P(X <= the smaller count), X ~ Binomial(n, 1/2)
  for (std::size_t k = 0; k <= std::min(result.only_first, result.only_second); ++k) {
    const double x = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) - n * std::log(2.0));
  }
  result.p_value = std::min(1.0, 2 * tail);
  return result;
}

}  // namespace genrewise
