#include "genrewise/dataset/grouping.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kNamesShown = 8;

struct Carved {
  Part part;
  double share;
};

/// The empty parts whose share is not zero. Throws Error if a share is given for a part that is not empty.
std::vector<Carved> missing_parts(const std::vector<Part>& parts, const SplitConfig& config) {
  std::vector<Carved> missing;
  const auto look_at = [&](Part part, const std::optional<double>& given, double share) {
    if (std::ranges::find(parts, part) == parts.end()) {
      if (given.value_or(share) > 0) missing.push_back({part, given.value_or(share)});
    } else if (given) {
      throw UsageError(fmt::format("the data states which examples are the {} part", to_string(part)),
                       fmt::format("--{}", to_string(part)),
                       "leave the option out, or choose the scheme grouped or random");
    }
  };
  look_at(Part::validation, config.validation_share, kValidationShare);
  look_at(Part::test, config.test_share, kTestShare);
  return missing;
}

std::string names(const std::set<int>& labels, const SplitSubjects& subjects) {
  std::vector<std::string> quoted;
  for (const int label : labels) {
    if (quoted.size() == kNamesShown) {
      quoted.push_back(fmt::format("and {} more", labels.size() - kNamesShown));
      break;
    }
    quoted.push_back(fmt::format("'{}'", subjects.labels_by_name[static_cast<std::size_t>(label)]));
  }
  return fmt::format("{}", fmt::join(quoted, ", "));
}

/// Carves missing parts out of the training part of a stated split.
class Carver {
 public:
  Carver(const SplitSubjects& subjects, const SplitConfig& config, Split& split)
      : subjects_(subjects), config_(config), split_(split), missing_(missing_parts(split.parts, config)) {}

  void run() {
    const std::vector<std::size_t> training = split_.rows(Part::training);
    if (missing_.empty() || training.empty()) return;
    const std::vector<std::size_t> pool = divisible(training);
    if (pool.empty()) {
      throw Error(fmt::format("the data states no {} part, and none can be carved out of its training part: each "
                              "genre there ({}) has too few artists, albums or files",
                              missing_names(), names(kept_whole_, subjects_)),
                  {}, "state such a part, add music to training, or choose the scheme grouped or random");
    }
    deal(pool);
    add_notes(training.size());
  }

 private:
  /// The examples that may leave training: all but the groups with a genre of too few groups to be in training and in
  /// every carved part.
  std::vector<std::size_t> divisible(std::vector<std::size_t> pool) {
    for (bool again = true; again && !pool.empty();) {
      const SplitSubjects subjects = select_subjects(subjects_, pool);
      const Groups groups = make_groups(subjects, true);
      const std::vector<std::size_t> counts = groups.per_label();
      const auto is_small = [&](std::size_t i) {
        return counts[static_cast<std::size_t>(subjects.labels[i])] <= missing_.size();
      };
      std::vector<std::size_t> kept;
      for (const auto& members : groups.members) {
        const bool whole = std::ranges::any_of(members, is_small);
        for (const std::size_t i : members) {
          if (!whole) kept.push_back(pool[i]);
          if (is_small(i)) kept_whole_.insert(subjects.labels[i]);
        }
      }
      again = kept.size() < pool.size();
      std::ranges::sort(kept);
      pool = std::move(kept);
    }
    return pool;
  }

  void deal(const std::vector<std::size_t>& pool) {
    double whole = 1 - config_.validation_share.value_or(kValidationShare) - config_.test_share.value_or(kTestShare);
    std::vector<double> shares = {whole};
    for (const Carved& part : missing_) whole += part.share;
    for (const Carved& part : missing_) shares.push_back(part.share);
    for (double& share : shares) share /= whole;
    const SplitSubjects subjects = select_subjects(subjects_, pool);
    const auto bins = distribute(make_groups(subjects, true), shares, shares.size(),
                                 derive_seed(config_.seed, "split carved out of training"));
    for (std::size_t i = 0; i < pool.size(); ++i) {
      if (bins[i] > 0) split_.parts[pool[i]] = missing_[bins[i] - 1].part;
    }
  }

  std::string missing_names() const {
    return missing_.size() == 2 ? "validation and no test" : std::string(to_string(missing_.front().part));
  }

  void add_notes(std::size_t training) const {
    std::vector<std::string> taken;
    for (const Carved& part : missing_)
      taken.push_back(fmt::format("{} are used for {}", split_.rows(part.part).size(), to_string(part.part)));
    split_.notes.push_back(
        fmt::format("The data states no {} part: of its {} training examples, {}, in whole groups by artist, "
                    "album or file (seed {}).",
                    missing_names(), training, fmt::join(taken, " and "), config_.seed));
    if (kept_whole_.empty()) return;
    split_.notes.push_back(fmt::format("These genres have too few artists, albums or files to leave training: {}.",
                                       names(kept_whole_, subjects_)));
  }

  const SplitSubjects& subjects_;
  const SplitConfig& config_;
  Split& split_;
  const std::vector<Carved> missing_;
  std::set<int> kept_whole_;  // labels that stay in training
};

}  // namespace

Split complete_split(const SplitSubjects& subjects, const std::vector<std::optional<Part>>& stated, SplitScheme scheme,
                     const SplitConfig& config) {
  Split split{.scheme = scheme, .seed = config.seed, .parts = {}};
  for (const auto& part : stated) split.parts.push_back(part.value_or(Part::training));
  const auto without = std::ranges::count_if(stated, [](const auto& part) { return !part; });
  if (without > 0) {
    split.notes.push_back(fmt::format("The data states no part of {} of {} examples: they are training examples.",
                                      without, stated.size()));
  }
  Carver(subjects, config, split).run();
  return split;
}

}  // namespace genrewise
