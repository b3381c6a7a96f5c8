// Intermediate results that classifiers on the same tables share: a kernel matrix, a neighbour search.
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

/// Lets classifiers that are fitted on the same table, or predict for the same table, compute shared results once: one
/// search for the most neighbours serves every n_neighbors and both weights, one kernel matrix every C of an SVM, one
/// matrix of products every gamma. Results are bitwise the same as without it. Use in a search:
///
///     auto work = std::make_shared<SharedWork>(bytes);  // one per fold, for its training and held-out examples
///     work->add(training), work->add(held_out);
///     for (auto& classifier : classifiers) classifier->announce(*work);  // all of them before the first fit
///     ...fit with FitContext{.work = work} and predict in any order, on several threads...
///
/// Only tables that were added are shared; they are identified by address, and must neither move nor change during the
/// lifetime of the object. A classifier does not keep it alive, and predicts without it once it is gone.
/// Thread-safe; a thread that requests a value that another one is computing waits for it.
class SharedWork {
 public:
  /// Keeps at most this many bytes (in addition to what callers hold); the least recently used values are dropped first,
  /// and recomputed when needed.
  explicit SharedWork(std::size_t bytes = std::size_t{1} << 30) : most_bytes_(bytes) {}
  SharedWork(const SharedWork&) = delete;
  SharedWork& operator=(const SharedWork&) = delete;

  void add(const Matrix& table);
  /// The name of a table that was added; nothing for any other.
  std::optional<std::string> name_of(const Matrix& table) const;

  // For implementations of classifiers.

  /// Announces a later request: an item ("21") under a topic ("n_neighbors").
  void announce(const std::string& topic, const std::string& item);
  std::set<std::string> announced(const std::string& topic) const;

  /// The value stored under `key`, or the result of make(), which is then stored; `bytes_of` returns its size. A stored
  /// value for which enough(value) is false is recomputed and replaced. When make() throws, nothing is stored and the
  /// next request computes it again.
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
    std::mutex mutex;  // held while the value is computed
    std::any value;
    std::size_t bytes = 0;       // guarded by SharedWork's mutex, as is the next
    std::uint64_t last_use = 0;  // value of a clock that advances at each use
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
