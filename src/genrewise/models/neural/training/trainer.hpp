// The trainer: batches -> a network that has learnt. Private to the neural room.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/models/batch_source.hpp"
#include "genrewise/models/neural/layers/network.hpp"
#include "genrewise/models/neural/training/loss.hpp"
#include "genrewise/models/neural/training/optimiser.hpp"
#include "genrewise/models/neural/training/ranks.hpp"
#include "genrewise/models/neural/training/settings.hpp"
#include "genrewise/models/neural/training/training_log.hpp"

namespace genrewise::neural {

/// Where a training tells of itself and keeps what it has, and with whom it works.
struct TrainingPlace {
  Progress* progress = nullptr;
  std::filesystem::path run_folder = {};               ///< empty: nothing is kept
  nlohmann::json identity = nlohmann::json::object();  ///< of the run, beside the data's fingerprint
  std::shared_ptr<Ranks> ranks = std::make_shared<Ranks>();
  bool small_layers = false;       ///< libtorch works on one thread (our own kernels take all)
  double checkpoint_every_s = 60;  ///< the last state is written at the end of an epoch, but not more often
};

struct TrainingResult {
  std::vector<EpochReport> curve;
  std::uint64_t best_epoch = 0;  ///< whose weights the network has; 0: the last epoch's
  double learning_rate = 0;      ///< found or given
  double input_wait_share = 0;   ///< over all epochs of this run
  bool resumed = false;
};

/// Trains a network on batches.
///
/// Everything random comes from config.seed and from the number of the epoch, batch or step, so a training that was
/// interrupted (or killed) and started again ends with the same bits as one that was not. Interrupted is thrown between
/// two steps, with the whole state in the run folder.
///
/// Throws Error when a loss or gradient is not finite (naming epoch, batch and records), when there is not enough
/// memory (naming the batch size), and when the run folder holds another training.
class Trainer {
 public:
  /// The network is on its device already and is trained in place.
  Trainer(Network& network, TrainerConfig config, std::string device, TrainingPlace place = {});
  TrainingResult run(const BatchSource& source);

 private:
  struct Sums {
    double loss = 0, weight = 0, wait_s = 0, train_s = 0;
    std::int64_t correct = 0, seen = 0;
  };
  struct State {
    std::uint64_t epoch = 0, step = 0;  // epoch: the one that runs or comes next, from 0
    Sums sums;                          // of the running epoch
    double learning_rate = 0;
    double best = 0;
    std::uint64_t best_epoch = 0;  // from 1; 0: none
    int waited = 0;                // epochs since the best
    double plateau_share = 1, plateau_best = 0;
    int plateau_waited = 0;
    bool finished = false;
    std::optional<BatchPosition> position;
    std::vector<EpochReport> curve;
  };

  nlohmann::json identity_of(const BatchSource& source) const;
  void run_epoch(BatchStream& stream);
  void step(const Batch& batch);
  at::Tensor forward(const Batch& batch, const Pass& pass) const;
  double current_rate() const;
  void share_gradients(at::Tensor& counts);
  void end_epoch(const BatchSource& source);
  void validate(const BatchSource& source, EpochReport& report);
  void judge(const EpochReport& report);
  void remember_best();
  void save_checkpoint(const TrainingLog& log);
  bool resume(const TrainingLog& log);
  void find_rate(const BatchSource& source);
  std::unique_ptr<BatchStream> training_stream(const BatchSource& source, std::uint64_t epochs,
                                               std::optional<BatchPosition> start) const;
  [[noreturn]] void refuse_batch(const Batch& batch, const std::string& what) const;

  Network& network_;
  TrainerConfig config_;
  std::string device_;
  TrainingPlace place_;
  Optimiser optimiser_;
  LossConfig loss_, validation_loss_;
  State state_;
  std::uint64_t steps_per_epoch_ = 1;
  std::vector<at::Tensor> best_weights_;
  bool best_is_saved_ = true, stop_ = false;
  Progress quiet_;
  Progress* progress_;
};

/// One point of a learning-rate search.
struct RatePoint {
  double rate = 0, loss = 0;
};
/// Where the smoothed loss falls fastest before it first rises (Smith 2017): the rate to train with; a tenth of where
/// it rises, if it never fell. Throws Error for fewer than 3 points.
double suggested_rate(const std::vector<RatePoint>& points);

}  // namespace genrewise::neural
