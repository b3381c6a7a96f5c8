// How a network is trained, and its parameters.
#pragma once

#include <cstdint>

#include "genrewise/base/descriptor.hpp"
#include "genrewise/base/random.hpp"

namespace genrewise::neural {

enum class OptimiserKind { adam, adamw, sgd };
enum class ScheduleKind {
  constant,
  cosine,  ///< from the learning rate down to a hundredth of it over the run (Loshchilov and Hutter 2017)
  plateau  ///< times plateau_factor whenever the validation loss has not fallen for plateau_patience epochs
};
enum class Monitor { loss, accuracy };

/// Augmentation of training batches. Zero turns each off.
struct AugmentationConfig {
  double mixup = 0;              ///< alpha of the beta distribution of mixing weights (Zhang et al. 2018)
  int time_masks = 0;            ///< spans of time that are set to the example's mean (SpecAugment, Park et al. 2019)
  double time_mask_share = 0.1;  ///< longest mask, as a share of the whole
  int frequency_masks = 0;       ///< the same over rows; none on a waveform
  double frequency_mask_share = 0.1;
  std::size_t crop = 0;    ///< a random span of this many columns
  std::size_t shift = 0;   ///< largest random roll along time, in columns, either way
  double gain_db = 0;      ///< largest random change of level, in dB; for waveforms
  double noise = 0;        ///< standard deviation of added normal noise, relative to the example's
  std::size_t copies = 0;  ///< augmentations of each example (without mixup), which take turns; 0: new ones each epoch
  bool any() const {
    return mixup > 0 || time_masks > 0 || frequency_masks > 0 || crop > 0 || shift > 0 || gain_db > 0 || noise > 0;
  }
};

struct TrainerConfig {
  int epochs = 100;
  std::size_t batch_size = 32;
  OptimiserKind optimiser = OptimiserKind::adam;
  double learning_rate = 1e-3;  ///< 0: set by the learning-rate search
  double momentum = 0.9;        ///< of SGD
  double weight_decay = 0;      ///< AdamW: decoupled; Adam and SGD: added to the gradient
  ScheduleKind schedule = ScheduleKind::constant;
  double warmup_epochs = 0;  ///< the rate rises linearly over these
  int plateau_patience = 3;
  double plateau_factor = 0.3;
  double label_smoothing = 0;
  bool balanced = false;     ///< classes have equal weight, however many examples they have
  double gradient_clip = 0;  ///< largest norm of the gradient; 0: no clipping
  int patience = 0;          ///< epochs without improvement on validation before training ends; 0: all epochs
  Monitor monitor = Monitor::loss;
  bool keep_best = true;         ///< keep the weights of the best validation, not the last ones
  double validation_share = 0;   ///< held out from training when there is no validation part
  int frozen_epochs = 0;         ///< epochs in which the pretrained body is frozen; -1: all
  double body_rate = 0.1;        ///< factor of the learning rate for the body
  bool mixed_precision = false;  ///< bfloat16 where it is safe, on a GPU
  AugmentationConfig augmentation;
  std::uint64_t seed = kDefaultSeed;
};

/// From the parameters that trainer_parameters() declares (models/networks/network_descriptor.hpp).
TrainerConfig read_trainer_config(const ParameterValues& parameters, std::uint64_t seed);

/// Factor of the learning rate at a step: warm-up, then the schedule (the trainer itself applies plateau).
double schedule_share(const TrainerConfig& config, std::uint64_t step, std::uint64_t steps_per_epoch);

}  // namespace genrewise::neural
