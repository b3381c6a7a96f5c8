#include "genrewise/dataset/grouping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <set>
#include <unordered_map>

#include "genrewise/dataset/builder.hpp"

namespace genrewise {
namespace {

void join_equal(UnionFind& sets, const std::vector<std::string>& names) {
  std::unordered_map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty()) sets.join(i, first.try_emplace(names[i], i).first->second);
  }
}

/// Number of examples of one genre in a group.
struct Share {
  std::size_t label, count;
};

/// Assigns groups to bins and keeps track of the distance of the bins from their targets.
class Dealer {
 public:
  Dealer(const Groups& groups, const std::vector<double>& shares)
      : groups_(groups),
        bins_(shares.size()),
        labels_(groups.subjects.labels_by_name.size()),
        counts_(bins_ * labels_),
        group_counts_(bins_ * labels_),
        targets_(bins_ * labels_),
        bin_of_(groups.members.size()) {
    std::vector<std::size_t> totals(labels_);
    for (const int label : groups.subjects.labels) ++totals[static_cast<std::size_t>(label)];
    for (std::size_t bin = 0; bin < bins_; ++bin) {
      for (std::size_t label = 0; label < labels_; ++label) {
        targets_[at(bin, label)] = shares[bin] * static_cast<double>(totals[label]);
      }
    }
    for (const auto& members : groups.members) contents_.push_back(contents(members));
  }

  void deal(std::uint64_t seed) {
    std::vector<std::size_t> order(groups_.members.size());
    std::iota(order.begin(), order.end(), 0u);
    Rng(seed).shuffle(std::span(order));
    // Large groups first, while bins are far from their targets. Sizes within a factor of two count as equal, so that
    // the seed matters even if all groups differ in size.
    std::ranges::stable_sort(order, std::greater(),
                             [&](std::size_t g) { return std::bit_width(groups_.members[g].size()); });
    for (const std::size_t group : order) put(group, best_bin(group));
  }

  /// Moves groups until the genre is in at least `spread` bins. A group leaves a bin only if each of its genres has
  /// another group there.
  void spread_out(std::size_t label, std::size_t spread) {
    for (std::size_t missing = bins_missing(label); bins_ - missing < spread; --missing) {
      double best_cost = std::numeric_limits<double>::infinity();
      std::size_t best_group = 0, best_bin = 0;
      for (std::size_t group = 0; group < bin_of_.size(); ++group) {
        if (!contains(group, label) || !can_leave(group)) continue;
        for (std::size_t bin = 0; bin < bins_; ++bin) {
          if (group_counts_[at(bin, label)] > 0) continue;
          const double cost = change(group, bin, 1) + change(group, bin_of_[group], -1);
          if (cost < best_cost - kTie) best_cost = cost, best_group = group, best_bin = bin;
        }
      }
      if (best_cost == std::numeric_limits<double>::infinity()) refuse(label, spread);
      take(best_group);
      put(best_group, best_bin);
    }
  }

  std::size_t label_count() const { return labels_; }
  bool is_present(std::size_t label) const { return bins_missing(label) < bins_; }

  std::vector<std::size_t> bins_of_examples() const {
    std::vector<std::size_t> bins;
    for (const std::size_t group : groups_.group_of) bins.push_back(bin_of_[group]);
    return bins;
  }

  bool has_empty_bin() const {
    for (std::size_t bin = 0; bin < bins_; ++bin) {
      if (std::ranges::find(bin_of_, bin) == bin_of_.end()) return true;
    }
    return false;
  }

 private:
  // Costs this close count as equal: rounding, which may differ between machines, must not decide.
  static constexpr double kTie = 1e-9;

  std::size_t at(std::size_t bin, std::size_t label) const { return bin * labels_ + label; }

  std::vector<Share> contents(const std::vector<std::size_t>& members) const {
    std::vector<Share> shares;
    for (const std::size_t i : members) {
      const auto label = static_cast<std::size_t>(groups_.subjects.labels[i]);
      const auto found = std::ranges::find(shares, label, &Share::label);
      if (found == shares.end()) {
        shares.push_back({label, 1});
      } else {
        ++found->count;
      }
    }
    return shares;
  }

  /// Change of the sum of (count - target)^2 / target if the group is added (sign 1) or removed (-1).
  double change(std::size_t group, std::size_t bin, int sign) const {
    double sum = 0;
    for (const auto& [label, count] : contents_[group]) {
      const double step = sign * static_cast<double>(count), target = targets_[at(bin, label)];
      sum += step * (2 * (counts_[at(bin, label)] - target) + step) / target;
    }
    return sum;
  }

  std::size_t best_bin(std::size_t group) const {
    std::size_t best = 0;
    double best_cost = change(group, 0, 1);
    for (std::size_t bin = 1; bin < bins_; ++bin) {
      const double cost = change(group, bin, 1);
      if (cost < best_cost - kTie) best = bin, best_cost = cost;
    }
    return best;
  }

  void put(std::size_t group, std::size_t bin) {
    bin_of_[group] = bin;
    for (const auto& [label, count] : contents_[group]) {
      counts_[at(bin, label)] += static_cast<double>(count);
      ++group_counts_[at(bin, label)];
    }
  }

  void take(std::size_t group) {
    for (const auto& [label, count] : contents_[group]) {
      counts_[at(bin_of_[group], label)] -= static_cast<double>(count);
      --group_counts_[at(bin_of_[group], label)];
    }
  }

  bool contains(std::size_t group, std::size_t label) const {
    return std::ranges::find(contents_[group], label, &Share::label) != contents_[group].end();
  }

  bool can_leave(std::size_t group) const {
    return std::ranges::all_of(contents_[group],
                               [&](const Share& share) { return group_counts_[at(bin_of_[group], share.label)] > 1; });
  }

  std::size_t bins_missing(std::size_t label) const {
    std::size_t missing = 0;
    for (std::size_t bin = 0; bin < bins_; ++bin) missing += group_counts_[at(bin, label)] == 0;
    return missing;
  }

  [[noreturn]] void refuse(std::size_t label, std::size_t spread) const {
    std::size_t groups = 0;
    for (std::size_t bin = 0; bin < bins_; ++bin) groups += group_counts_[at(bin, label)];
    const std::string& genre = groups_.subjects.labels_by_name[label];
    throw Error(
        fmt::format("the genre '{}' cannot be put into {} parts: it has {} group{} of examples that must stay "
                    "together ({})",
                    genre, spread, groups, groups == 1 ? "" : "s",
                    groups_.by_artist ? "those of one artist, album or file" : "those of one file"),
        {},
        fmt::format("leave such genres out with --min-groups {}, count it as another with --merge '{}=GENRE', {}",
                    spread, genre,
                    groups_.by_artist ? "add music by other artists to it, or choose the scheme random"
                                      : "or add more files to it"));
  }

  const Groups& groups_;
  std::size_t bins_, labels_;
  std::vector<double> counts_;             // examples, per bin and label
  std::vector<std::size_t> group_counts_;  // groups with the label, per bin and label
  std::vector<double> targets_;
  std::vector<std::vector<Share>> contents_;  // per group
  std::vector<std::size_t> bin_of_;           // per group
};

}  // namespace

Groups make_groups(const SplitSubjects& subjects, bool by_artist) {
  UnionFind sets(subjects.ids.size());
  join_equal(sets, subjects.tracks);
  if (by_artist) {
    join_equal(sets, subjects.artists);
    join_equal(sets, subjects.albums);
  }
  std::vector<std::size_t> order(subjects.ids.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, id_less, [&](std::size_t i) -> std::string_view { return subjects.ids[i]; });
  Groups groups{
      .group_of = std::vector<std::size_t>(order.size()), .members = {}, .subjects = subjects, .by_artist = by_artist};
  std::unordered_map<std::size_t, std::size_t> group_of_root;
  for (const std::size_t i : order) {
    const auto [found, is_new] = group_of_root.try_emplace(sets.find(i), groups.members.size());
    if (is_new) groups.members.emplace_back();
    groups.members[found->second].push_back(i);
    groups.group_of[i] = found->second;
  }
  return groups;
}

std::vector<std::size_t> Groups::per_label() const {
  std::vector<std::size_t> counts(subjects.labels_by_name.size());
  for (const auto& group : members) {
    std::set<int> labels;
    for (const std::size_t i : group) labels.insert(subjects.labels[i]);
    for (const int label : labels) {
      if (label >= 0) ++counts[static_cast<std::size_t>(label)];
    }
  }
  return counts;
}

std::vector<std::size_t> distribute(const Groups& groups, const std::vector<double>& shares, std::size_t spread,
                                    std::uint64_t seed) {
  Dealer dealer(groups, shares);
  dealer.deal(seed);
  for (std::size_t label = 0; label < dealer.label_count(); ++label) {
    if (dealer.is_present(label)) dealer.spread_out(label, spread);
  }
  if (dealer.has_empty_bin()) {
    throw Error(fmt::format("{} groups of tracks that must stay together are too few for {} parts",
                            groups.members.size(), shares.size()),
                {}, "add music, or choose fewer parts");
  }
  return dealer.bins_of_examples();
}

}  // namespace genrewise
