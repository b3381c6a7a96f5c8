#include "genrewise/models/shared_work.hpp"

namespace genrewise {

void SharedWork::add(const Matrix& table) {
  const std::lock_guard lock(mutex_);
  tables_.try_emplace(&table, "table " + std::to_string(tables_.size()));
}

std::optional<std::string> SharedWork::name_of(const Matrix& table) const {
  const std::lock_guard lock(mutex_);
  const auto found = tables_.find(&table);
  return found == tables_.end() ? std::nullopt : std::optional(found->second);
}

void SharedWork::announce(const std::string& topic, const std::string& item) {
  const std::lock_guard lock(mutex_);
  announced_[topic].insert(item);
}

std::set<std::string> SharedWork::announced(const std::string& topic) const {
  const std::lock_guard lock(mutex_);
  const auto found = announced_.find(topic);
  return found == announced_.end() ? std::set<std::string>() : found->second;
}

std::shared_ptr<SharedWork::Slot> SharedWork::slot_of(const std::string& key) {
  const std::lock_guard lock(mutex_);
  auto& slot = slots_[key];
  if (!slot) slot = std::make_shared<Slot>();
  slot->last_use = ++clock_;
  return slot;
}

void SharedWork::keep(const std::string& key, const std::shared_ptr<Slot>& slot, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (const auto found = slots_.find(key); found == slots_.end() || found->second != slot) return;
  bytes_ += bytes - slot->bytes;
  slot->bytes = bytes;
  while (bytes_ > most_bytes_) {
    // Slots without bytes are being computed at the moment.
    auto oldest = slots_.end();
    for (auto at = slots_.begin(); at != slots_.end(); ++at)
      if (at->second->bytes > 0 && (oldest == slots_.end() || at->second->last_use < oldest->second->last_use))
        oldest = at;
    if (oldest == slots_.end()) return;
    bytes_ -= oldest->second->bytes;
    slots_.erase(oldest);
  }
}

}  // namespace genrewise
