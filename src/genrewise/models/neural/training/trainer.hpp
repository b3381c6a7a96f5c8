// The trainer: fits a network to batches. Private to this module.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/models/batch_source.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/neural/layers/network.hpp"
#include "genrewise/models/neural/training/embeddings.hpp"
#include "genrewise/models/neural/training/loss.hpp"
#include "genrewise/models/neural/training/optimiser.hpp"
#include "genrewise/models/neural/training/ranks.hpp"
#include "genrewise/models/neural/training/settings.hpp"
#include "genrewise/models/neural/training/training_log.hpp"

namespace genrewise::neural {

/// Where a training run reports progress and stores checkpoints, and its ranks.
struct TrainingContext {
  const FitContext& fit;                               ///< its progress, run_folder and epoch_notes are used
  nlohmann::json identity = nlohmann::json::object();  ///< of the run, in addition to the data's fingerprint
  std::shared_ptr<Ranks> ranks = std::make_shared<Ranks>();
  const TrainingCurve* follow = nullptr;         ///< as FitContext's
  std::filesystem::path embeddings_folder = {};  ///< as FitContext's
  bool one_libtorch_thread = false;              ///< as NetworkKind's
};

/// Trains a network on batches.
///
/// All randomness derives from config.seed and the number of the epoch, batch or step, so a run that was interrupted
/// (or killed) and resumed ends with the same bits as an uninterrupted one. Interrupted is thrown between two steps,
/// after the whole state is written to the run folder.
///
/// Throws Error when a loss or gradient is not finite (naming epoch, batch and records), when memory runs out (naming
/// the batch size), and UnusableRun when the run folder belongs to another run or is damaged.
class Trainer {
 public:
  /// The network is on its device already; it is trained in place.
  Trainer(Network& network, TrainerConfig config, std::string device, TrainingContext context);
  /// Returns the curve of all epochs, also of those before an interruption.
  TrainingCurve run(const BatchSource& given);

 private:
  struct Sums {
    double loss = 0, weight = 0, wait_s = 0, train_s = 0;
    std::int64_t correct = 0, seen = 0;
    NLOHMANN_DEFINE_TYPE_INTRUSIVE(Sums, loss, weight, wait_s, train_s, correct, seen)
  };
  struct State {
    std::uint64_t epoch = 0, step = 0;  // epoch: the current or next one, from 0
    Sums sums;                          // of the current epoch
    double learning_rate = 0;
    double best = 0;
    std::uint64_t best_epoch = 0;  // from 1; 0: none
    int waited = 0;                // epochs since the best one
    double plateau_share = 1, plateau_best = 0;
    int plateau_waited = 0;
    bool finished = false;
    std::optional<BatchPosition> position;
    std::vector<EpochReport> curve;
    NLOHMANN_DEFINE_TYPE_INTRUSIVE(State, epoch, step, sums, learning_rate, best, best_epoch, waited, plateau_share,
                                   plateau_best, plateau_waited, finished, position, curve)
  };

  nlohmann::json identity_of(const BatchSource& source) const;
  BodyEngine engine_of_frozen_body() const;
  Stage stage_of(const BatchSource& source, const BodyEngine& engine) const;
  std::unique_ptr<BatchStream> augmented(std::unique_ptr<BatchStream> stream) const;
  void run_epoch(BatchStream& stream);
  void step(const Batch& batch);
  at::Tensor forward(const Batch& batch, const Pass& pass) const;
  double current_rate() const;
  void share_gradients(at::Tensor& counts);
  std::uint64_t epochs() const;
  void begin_epoch();
  EpochReport report_of_epoch() const;
  void end_epoch(const EpochReport& report);
  void validate(const BatchSource& source, EpochReport& report);
  std::string detail() const;
  void update_best_and_schedule(const EpochReport& report);
  void keep_best_weights();
  void save_checkpoint(const TrainingLog& log);
  bool resume(const TrainingLog& log);
  void require_same_start();
  void load_checkpoint(const TrainingLog& log);
  void find_rate(const BatchSource& source);
  std::unique_ptr<BatchStream> training_stream(const BatchSource& source, std::uint64_t epochs,
                                               std::optional<BatchPosition> start) const;
  [[noreturn]] void refuse_batch(const Batch& batch, const std::string& what) const;

  Network& network_;
  TrainerConfig config_;
  std::string device_;
  TrainingContext context_;
  Optimiser optimiser_;
  LossConfig loss_, validation_loss_;
  State state_;
  std::uint64_t steps_per_epoch_ = 1;
  std::vector<at::Tensor> best_weights_;
  bool best_is_saved_ = true, stop_ = false, embedded_ = false;
  Progress quiet_;
  Progress* progress_;
};

/// One point of a learning-rate search.
struct RatePoint {
  double rate = 0, loss = 0;
};
/// Learning rate at the steepest fall of the smoothed loss before its first rise (Smith 2017); a tenth of the rate of
/// the rise if the loss never fell. Throws Error for fewer than 3 points.
double suggested_rate(const std::vector<RatePoint>& points);

}  // namespace genrewise::neural
