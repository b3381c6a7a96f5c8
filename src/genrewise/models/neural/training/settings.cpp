#include "genrewise/models/neural/training/settings.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace genrewise::neural {
namespace {

constexpr double kLastShare = 0.01;  // of the learning rate, at the end of the cosine schedule

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
  config.copies = static_cast<std::size_t>(read.integer("augmented_copies"));
  return config;
}

}  // namespace

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
