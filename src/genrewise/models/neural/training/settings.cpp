#include "genrewise/models/neural/training/settings.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "genrewise/models/classical/parameters.hpp"

namespace genrewise::neural {
namespace {

constexpr double kLastShare = 0.01;  // of the learning rate, at the end of a cosine

AugmentationConfig read_augmentation(const ParameterReader& read) {
  AugmentationConfig config;
  config.mixup = read.number("mixup", 0, 100);
  config.time_masks = static_cast<int>(read.integer("time_masks", 0, 100));
  config.time_mask_share = read.number("time_mask_share", 0, 1);
  config.frequency_masks = static_cast<int>(read.integer("frequency_masks", 0, 100));
  config.frequency_mask_share = read.number("frequency_mask_share", 0, 1);
  config.crop = static_cast<std::size_t>(read.integer("crop", 0));
  config.shift = static_cast<std::size_t>(read.integer("shift", 0));
  config.gain_db = read.number("gain_db", 0, 60);
  config.noise = read.number("noise", 0, 10);
  return config;
}

}  // namespace

Parameters trainer_parameters() {
  return {{"epochs", "100"},
          {"batch_size", "32"},
          {"optimiser", "adam"},
          {"learning_rate", "0.001"},
          {"momentum", "0.9"},
          {"weight_decay", "0"},
          {"schedule", "constant"},
          {"warmup_epochs", "0"},
          {"plateau_patience", "3"},
          {"plateau_factor", "0.3"},
          {"label_smoothing", "0"},
          {"class_weight", "none"},
          {"gradient_clip", "0"},
          {"patience", "0"},
          {"monitor", "loss"},
          {"restore", "best"},
          {"validation_share", "0"},
          {"frozen_epochs", "0"},
          {"body_rate", "0.1"},
          {"mixed_precision", "false"},
          {"mixup", "0"},
          {"time_masks", "0"},
          {"time_mask_share", "0.1"},
          {"frequency_masks", "0"},
          {"frequency_mask_share", "0.1"},
          {"crop", "0"},
          {"shift", "0"},
          {"gain_db", "0"},
          {"noise", "0"}};
}

TrainerConfig read_trainer_config(const ParameterReader& read, std::uint64_t seed) {
  TrainerConfig config;
  config.epochs = static_cast<int>(read.integer("epochs", 1, 1'000'000));
  config.batch_size = static_cast<std::size_t>(read.integer("batch_size", 1, 1'000'000));
  const std::string optimiser = read.one_of("optimiser", {"adam", "adamw", "sgd"});
  config.optimiser = optimiser == "adam"    ? OptimiserKind::adam
                     : optimiser == "adamw" ? OptimiserKind::adamw
                                            : OptimiserKind::sgd;
  config.learning_rate = read.is("learning_rate", "auto") ? 0 : read.positive("learning_rate");
  config.momentum = read.number("momentum", 0, 1);
  config.weight_decay = read.number("weight_decay", 0);
  const std::string schedule = read.one_of("schedule", {"constant", "cosine", "plateau"});
  config.schedule = schedule == "constant" ? ScheduleKind::constant
                    : schedule == "cosine" ? ScheduleKind::cosine
                                           : ScheduleKind::plateau;
  config.warmup_epochs = read.number("warmup_epochs", 0);
  config.plateau_patience = static_cast<int>(read.integer("plateau_patience", 0, 1'000'000));
  config.plateau_factor = read.number("plateau_factor", 0, 1);
  config.label_smoothing = read.number("label_smoothing", 0, 0.99);
  config.balanced = read.one_of("class_weight", {"none", "balanced"}) == "balanced";
  config.gradient_clip = read.number("gradient_clip", 0);
  config.patience = static_cast<int>(read.integer("patience", 0, 1'000'000));
  config.monitor = read.one_of("monitor", {"loss", "accuracy"}) == "loss" ? Monitor::loss : Monitor::accuracy;
  config.keep_best = read.one_of("restore", {"best", "last"}) == "best";
  config.validation_share = read.number("validation_share", 0, 0.9);
  config.frozen_epochs = static_cast<int>(read.integer("frozen_epochs", -1, 1'000'000));
  config.body_rate = read.number("body_rate", 0, 1000);
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
