#include "genrewise/models/neural/training/settings.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace genrewise::neural {
namespace {

constexpr double kLastShare = 0.01;  // of the learning rate, at the end of a cosine

AugmentationConfig read_augmentation(const ParameterValues& read) {
  AugmentationConfig config;
  config.mixup = read.number("mixup");
  config.time_masks = static_cast<int>(read.integer("time_masks"));
  config.time_mask_share = read.number("time_mask_share");
  config.frequency_masks = static_cast<int>(read.integer("frequency_masks"));
  config.frequency_mask_share = read.number("frequency_mask_share");
  config.crop = static_cast<std::size_t>(read.integer("crop"));
  config.shift = static_cast<std::size_t>(read.integer("shift"));
  config.gain_db = read.number("gain_db");
  config.noise = read.number("noise");
  return config;
}

}  // namespace

std::vector<ParameterDescriptor> trainer_parameters() {
  using namespace parameter;
  const Range count = between(0, 1'000'000), positive_count = between(1, 1'000'000), share = between(0, 1);
  return {
      integer("epochs", "100", positive_count, "passes over the training examples"),
      integer("batch_size", "32", positive_count, "examples of a step, of all processes together"),
      choice("optimiser", "adam", {"adam", "adamw", "sgd"}, "adamw decays weights apart from the gradient"),
      number("learning_rate", "0.001", above(0), "step size; auto: found by a learning-rate search").or_word({"auto"}),
      number("momentum", "0.9", share, "of sgd"),
      number("weight_decay", "0", at_least(0), "l2 penalty; of adamw decoupled"),
      choice("schedule", "constant", {"constant", "cosine", "plateau"},
             "of the learning rate: constant, down to a hundredth, or lower when validation stalls"),
      number("warmup_epochs", "0", at_least(0), "epochs over which the learning rate rises"),
      integer("plateau_patience", "3", count, "epochs without a better validation before plateau lowers the rate"),
      number("plateau_factor", "0.3", share, "by which plateau multiplies the rate"),
      number("label_smoothing", "0", between(0, 0.99), "share of a label's probability given to all labels"),
      choice("class_weight", "none", {"none", "balanced"},
             "weights of the classes: equal, or inverse to their number of examples"),
      number("gradient_clip", "0", at_least(0), "largest norm of the gradient; 0: none"),
      integer("patience", "0", count, "epochs without a better validation before training stops; 0: all epochs"),
      choice("monitor", "loss", {"loss", "accuracy"}, "what makes a validation better"),
      choice("restore", "best", {"best", "last"}, "which epoch's weights are kept"),
      number("validation_share", "0", between(0, 0.9), "held back from training where there is no validation part"),
      integer("frozen_epochs", "0", between(-1, 1'000'000),
              "epochs in which a pretrained body is not trained; -1: all"),
      number("body_rate", "0.1", between(0, 1000), "factor of the learning rate for a pretrained body"),
      boolean("mixed_precision", "false", "bfloat16 where it is safe, on a GPU"),
      number("mixup", "0", between(0, 100), "alpha of the beta distribution that examples are mixed by; 0: none"),
      integer("time_masks", "0", between(0, 100), "stretches of time that are masked (SpecAugment)"),
      number("time_mask_share", "0.1", share, "longest of them, as a share of the whole"),
      integer("frequency_masks", "0", between(0, 100), "stretches of rows that are masked"),
      number("frequency_mask_share", "0.1", share, "longest of them, as a share of the whole"),
      integer("crop", "0", at_least(0), "columns of a random stretch that is trained on; 0: all"),
      integer("shift", "0", at_least(0), "largest roll along time, in columns"),
      number("gain_db", "0", between(0, 60), "largest change of a waveform's level, in dB"),
      number("noise", "0", between(0, 10), "added noise, in standard deviations of the example")};
}

TrainerConfig read_trainer_config(const ParameterValues& read, std::uint64_t seed) {
  TrainerConfig config;
  config.epochs = static_cast<int>(read.integer("epochs"));
  config.batch_size = static_cast<std::size_t>(read.integer("batch_size"));
  config.optimiser = read.is("optimiser", "adam")    ? OptimiserKind::adam
                     : read.is("optimiser", "adamw") ? OptimiserKind::adamw
                                                     : OptimiserKind::sgd;
  config.learning_rate = read.is("learning_rate", "auto") ? 0 : read.number("learning_rate");
  config.momentum = read.number("momentum");
  config.weight_decay = read.number("weight_decay");
  config.schedule = read.is("schedule", "constant") ? ScheduleKind::constant
                    : read.is("schedule", "cosine") ? ScheduleKind::cosine
                                                    : ScheduleKind::plateau;
  config.warmup_epochs = read.number("warmup_epochs");
  config.plateau_patience = static_cast<int>(read.integer("plateau_patience"));
  config.plateau_factor = read.number("plateau_factor");
  config.label_smoothing = read.number("label_smoothing");
  config.balanced = read.is("class_weight", "balanced");
  config.gradient_clip = read.number("gradient_clip");
  config.patience = static_cast<int>(read.integer("patience"));
  config.monitor = read.is("monitor", "loss") ? Monitor::loss : Monitor::accuracy;
  config.keep_best = read.is("restore", "best");
  config.validation_share = read.number("validation_share");
  config.frozen_epochs = static_cast<int>(read.integer("frozen_epochs"));
  config.body_rate = read.number("body_rate");
  config.mixed_precision = read.flag("mixed_precision");
  config.augmentation = read_augmentation(read);
  config.seed = seed;
  return config;
}

double schedule_share(const TrainerConfig& config, std::uint64_t step, std::uint64_t steps_per_epoch) {
  const double epoch = static_cast<double>(step) / static_cast<double>(std::max<std::uint64_t>(1, steps_per_epoch));
  if (epoch < config.warmup_epochs)
    return (static_cast<double>(step) + 1) / (config.warmup_epochs * static_cast<double>(steps_per_epoch));
  if (config.schedule != ScheduleKind::cosine) return 1;
  const double whole = std::max(1e-9, config.epochs - config.warmup_epochs);
  const double done = std::clamp((epoch - config.warmup_epochs) / whole, 0.0, 1.0);
  return kLastShare + (1 - kLastShare) * 0.5 * (1 + std::cos(std::numbers::pi * done));
}

}  // namespace genrewise::neural
