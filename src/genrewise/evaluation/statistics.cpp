#include "genrewise/evaluation/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "genrewise/base/random.hpp"

namespace genrewise {
namespace {

constexpr double kNormal975 = 1.959963984540054;  // the standard normal's 97.5 % quantile

constexpr std::size_t kFewestGroups = 10;

/// Index of each example's group, in order of first use.
struct GroupIndices {
  std::vector<std::size_t> of;
  std::size_t count;
};

GroupIndices index_groups(std::span<const std::string> groups) {
  std::vector<std::size_t> of;
  std::unordered_map<std::string_view, std::size_t> index;
  for (const std::string& group : groups) of.push_back(index.try_emplace(group, index.size()).first->second);
  return {std::move(of), index.size()};
}

}  // namespace

double quantile(const std::vector<double>& values, double q) {
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

Score wilson_score(std::size_t hits, std::size_t n) {
  if (n == 0) return {0, 0, 1, 0};
  const double count = static_cast<double>(n), share = static_cast<double>(hits) / count;
  const double z2 = kNormal975 * kNormal975;
  const double centre = (share + z2 / (2 * count)) / (1 + z2 / count);
  const double margin =
      kNormal975 / (1 + z2 / count) * std::sqrt(share * (1 - share) / count + z2 / (4 * count * count));
  return {share, hits == 0 ? 0.0 : centre - margin, hits == n ? 1.0 : centre + margin, n};
}

std::vector<std::vector<double>> bootstrap_means(const std::vector<std::vector<float>>& columns,
                                                 std::span<const std::string> groups, std::uint64_t seed, int rounds) {
  const GroupIndices indices = index_groups(groups);
  const std::size_t width = columns.size() + 1;  // the columns' sums, and the number of examples
  std::vector<double> of_group(indices.count * width);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    double* sums = &of_group[indices.of[i] * width];
    for (std::size_t c = 0; c < columns.size(); ++c) sums[c] += static_cast<double>(columns[c][i]);
    ++sums[columns.size()];
  }
  Rng rng(derive_seed(seed, "cluster bootstrap"));
  std::vector<std::vector<double>> means(columns.size());
  std::vector<double> drawn(width);
  for (int round = 0; round < rounds && indices.count > 0; ++round) {
    std::ranges::fill(drawn, 0.0);
    for (std::size_t i = 0; i < indices.count; ++i) {
      const double* sums = &of_group[rng.below(indices.count) * width];
      for (std::size_t c = 0; c < width; ++c) drawn[c] += sums[c];
    }
    for (std::size_t c = 0; c < columns.size(); ++c) means[c].push_back(drawn[c] / drawn.back());
  }
  return means;
}

GroupedEstimate grouped_interval(const std::vector<float>& values, std::span<const std::string> groups,
                                 std::vector<double> means, std::size_t fewest_deviating) {
  const GroupIndices indices = index_groups(groups);
  std::map<float, std::size_t> frequency;
  for (const float value : values) ++frequency[value];
  const auto usual = std::ranges::max_element(frequency, {}, [](const auto& each) { return each.second; });
  std::vector<bool> deviates(indices.count);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != usual->first) deviates[indices.of[i]] = true;
  }
  const auto deviating = static_cast<std::size_t>(std::ranges::count(deviates, true));
  if (indices.count < kFewestGroups) {
    return {{},
            fmt::format("resampling needs {} artists (albums or files), the test part has {}", kFewestGroups,
                        indices.count)};
  }
  if (deviating < fewest_deviating) {
    return {
        {},
        fmt::format("in all but {} of {} artists (albums or files) every example has the same outcome, so resampling "
                    "them understates the uncertainty",
                    deviating, indices.count)};
  }
  std::ranges::sort(means);
  return {GroupedInterval{quantile(means, 0.025), quantile(means, 0.975), indices.count}, {}};
}

GroupedEstimate cluster_bootstrap(const std::vector<bool>& hits, std::span<const std::string> groups,
                                  std::uint64_t seed) {
  if (index_groups(groups).count == hits.size()) {
    return {{}, "no artist (album or file) has two test examples, so the interval over examples applies"};
  }
  const std::vector<float> values(hits.begin(), hits.end());
  return grouped_interval(values, groups, bootstrap_means({values}, groups, seed).front());
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

std::vector<double> holm(const std::vector<double>& p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p_values[i]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (std::size_t at = 0; at < order.size(); ++at) {
    largest = std::max(largest, static_cast<double>(order.size() - at) * p_values[order[at]]);
    adjusted[order[at]] = std::min(1.0, largest);
  }
  return adjusted;
}

}  // namespace genrewise
