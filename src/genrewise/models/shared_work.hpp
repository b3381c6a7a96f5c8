// What learners of the same tables need alike: a kernel matrix, a search for neighbours.
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "genrewise/base/matrix.hpp"

namespace genrewise {

/// Lets classifiers that learn from the same table, or predict for the same table, do once what they have in common:
/// one search for the most neighbours serves every n_neighbors and both weights, one kernel matrix every C of an SVM,
/// one matrix of products every gamma. Results are the same to the last bit as without it. How a search uses it:
///
///     auto work = std::make_shared<SharedWork>(bytes);  // one for each fold: training side and held-out side
///     work->add(fold.learn), work->add(fold.judge);
///     for (auto& classifier : classifiers) classifier->announce(*work);  // all of them before the first fit
///     ...fit with FitContext{.work = work} and predict in any order, on several threads...
///
/// Only tables that were added are shared, and are recognised by their address: they must stay where and what they are
/// as long as the work exists. A classifier does not keep the work alive; without it, it predicts by itself.
/// May be used by several threads; whoever asks for what another is making waits for it.
class SharedWork {
 public:
  /// What is kept takes at most so many bytes (beside what somebody holds at the moment); what was used longest ago is
  /// dropped first, and made again if it is needed again.
  explicit SharedWork(std::size_t bytes = std::size_t{1} << 30) : most_bytes_(bytes) {}
  SharedWork(const SharedWork&) = delete;
  SharedWork& operator=(const SharedWork&) = delete;

  void add(const Matrix& table);
  /// A name for a table that was added; nothing for any other.
  std::optional<std::string> name_of(const Matrix& table) const;

  // The rest is for learners.

  /// Says beforehand what will be asked for: under a topic ("n_neighbors") an item ("21").
  void announce(const std::string& topic, const std::string& item);
  std::set<std::string> announced(const std::string& topic) const;

  /// The value that is kept under `key`, or what make() returns, which is then kept; `bytes_of` says how large it is.
  /// A kept value for which enough(value) is false is made again and replaced. When make() throws, nothing is kept and
  /// the next to ask makes it.
  template <class T>
  std::shared_ptr<const T> get(
      const std::string& key, const std::function<T()>& make, const std::function<std::size_t(const T&)>& bytes_of,
      const std::function<bool(const T&)>& enough = [](const T&) { return true; }) {
    const std::shared_ptr<Slot> slot = slot_of(key);
    const std::lock_guard lock(slot->mutex);
    if (slot->value.has_value()) {
      auto value = std::any_cast<std::shared_ptr<const T>>(slot->value);
      if (enough(*value)) return value;
    }
    auto value = std::make_shared<const T>(make());
    slot->value = value;
    keep(key, slot, bytes_of(*value));
    return value;
  }

 private:
  struct Slot {
    std::mutex mutex;  // held while the value is made
    std::any value;
    std::size_t bytes = 0;       // guarded by SharedWork's mutex, as is the next
    std::uint64_t last_use = 0;  // of a clock that ticks at each use
  };
  std::shared_ptr<Slot> slot_of(const std::string& key);
  void keep(const std::string& key, const std::shared_ptr<Slot>& slot, std::size_t bytes);

  mutable std::mutex mutex_;
  std::size_t most_bytes_, bytes_ = 0;
  std::uint64_t clock_ = 0;
  std::unordered_map<const Matrix*, std::string> tables_;
  std::unordered_map<std::string, std::shared_ptr<Slot>> slots_;
  std::unordered_map<std::string, std::set<std::string>> announced_;
};

}  // namespace genrewise
