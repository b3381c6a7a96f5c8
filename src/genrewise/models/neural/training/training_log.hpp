// Files of a run folder during training: config.json, curves.csv, event files, checkpoints.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/models/training_curve.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/folder_lock.hpp"

namespace nlohmann {

/// null: no value.
template <class T>
struct adl_serializer<std::optional<T>> {
  static void to_json(json& document, const std::optional<T>& value) { document = value ? json(*value) : json(); }
  static void from_json(const json& document, std::optional<T>& value) {
    value = document.is_null() ? std::nullopt : std::optional(document.get<T>());
  }
};

}  // namespace nlohmann

namespace genrewise {

class EventWriter;
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(BatchPosition, epoch, batch, stream)

}  // namespace genrewise

namespace genrewise::neural {

struct EpochReport : TrainingEpoch {
  double seconds = 0, clips_per_s = 0;
  double input_wait_share = 0;  ///< share of the training time spent waiting for the next batch
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EpochReport, epoch, learning_rate, loss, accuracy, validation_loss,
                                   validation_accuracy, seconds, clips_per_s, input_wait_share)
/// "epoch 3 of 100: loss 1.234, accuracy 45.6 %; validation loss 1.3, accuracy 44.0 %; 210 clips/s, input wait 0.1 %".
std::string to_string(const EpochReport& report, std::uint64_t epochs);

/// A run folder from which this run cannot continue: another run's, or damaged.
class UnusableRun : public Error {
 public:
  using Error::Error;
};
/// Calls `read`, with every Error about the content of files as UnusableRun.
template <class Read>
auto usable(Read&& read) {
  try {
    return read();
  } catch (const FileError&) {
    throw;
  } catch (const Error& problem) {
    throw UnusableRun(problem.problem(), problem.where(), problem.remedy());
  }
}

class TrainingLog {
 public:
  /// An empty path: nothing is stored. Otherwise the folder is created, and config.json in it must equal `identity`, or
  /// neither it nor a checkpoint exist yet: throws UnusableRun that names the first difference, or states that
  /// config.json cannot be read. `writes`: whether this process writes (rank 0). It locks the folder (throws Error if
  /// another training run works in it) and removes temporary files of killed runs.
  TrainingLog(std::filesystem::path folder, const nlohmann::json& identity, bool writes = true);
  ~TrainingLog();

  bool keeps() const { return !folder_.empty(); }
  std::filesystem::path last_checkpoint() const { return folder_ / "last.safetensors"; }
  std::filesystem::path best_checkpoint() const { return folder_ / "best.safetensors"; }
  /// SHA-256 of the identity; every checkpoint of the run states it.
  const std::string& run() const { return run_; }
  /// Rewrites curves.csv and appends the last epoch to the event file.
  void add(const std::vector<EpochReport>& curve);

 private:
  void claim(const nlohmann::json& identity, bool writes);
  std::filesystem::path folder_;
  std::string run_;
  FolderLock lock_;
  std::unique_ptr<EventWriter> events_;
};

}  // namespace genrewise::neural
