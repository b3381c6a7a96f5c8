// How a network is trained, and the parameters by which a person says so.
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

/// What happens to the training batches before the network sees them. Zero turns each off.
struct AugmentationConfig {
  double mixup = 0;    ///< alpha of the beta distribution that the shares come from (Zhang et al. 2018)
  int time_masks = 0;  ///< stretches of time that are set to the example's mean (SpecAugment, Park et al. 2019)
  double time_mask_share = 0.1;  ///< the longest, as a share of the whole
  int frequency_masks = 0;       ///< the same over rows; none on a waveform
  double frequency_mask_share = 0.1;
  std::size_t crop = 0;   ///< a random stretch of so many columns
  std::size_t shift = 0;  ///< rolled along time by up to so many columns, either way
  double gain_db = 0;     ///< louder or softer by up to so much; the numbers are a waveform
  double noise = 0;       ///< normal noise of so many standard deviations of the example
  bool any() const {
    return mixup > 0 || time_masks > 0 || frequency_masks > 0 || crop > 0 || shift > 0 || gain_db > 0 || noise > 0;
  }
};

struct TrainerConfig {
  int epochs = 100;
  std::size_t batch_size = 32;
  OptimiserKind optimiser = OptimiserKind::adam;
  double learning_rate = 1e-3;  ///< 0: found by the learning-rate finder
  double momentum = 0.9;        ///< of SGD
  double weight_decay = 0;      ///< AdamW: decoupled; Adam and SGD: added to the gradient
  ScheduleKind schedule = ScheduleKind::constant;
  double warmup_epochs = 0;  ///< the rate rises in a straight line over these
  int plateau_patience = 3;
  double plateau_factor = 0.3;
  double label_smoothing = 0;
  bool balanced = false;     ///< classes weigh the same, however many examples they have
  double gradient_clip = 0;  ///< largest norm of the gradient; 0: none
  int patience = 0;          ///< epochs without a better validation before training ends; 0: all epochs
  Monitor monitor = Monitor::loss;
  bool keep_best = true;         ///< the weights of the best validation, not the last ones
  double validation_share = 0;   ///< held back when nobody gives a validation part
  int frozen_epochs = 0;         ///< the pretrained body stays as it is for so many epochs; -1: always
  double body_rate = 0.1;        ///< the body's share of the learning rate
  bool mixed_precision = false;  ///< bfloat16 where it is safe, on a GPU
  AugmentationConfig augmentation;
  std::uint64_t seed = kDefaultSeed;
};

/// Of parameters that trainer_parameters() declares (models/networks/network_descriptor.hpp).
TrainerConfig read_trainer_config(const ParameterValues& parameters, std::uint64_t seed);

/// The share of the learning rate at a step: warm-up, then the schedule (plateau is left to the trainer).
double schedule_share(const TrainerConfig& config, std::uint64_t step, std::uint64_t steps_per_epoch);

}  // namespace genrewise::neural
