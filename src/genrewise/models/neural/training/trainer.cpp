#include "genrewise/models/neural/training/trainer.hpp"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/models/neural/training/device.hpp"
#include "genrewise/models/neural/training/streams.hpp"

namespace genrewise::neural {
namespace {

constexpr double kCheckpointEvery_s = 60;  // least time between two writes of the last state, at the end of an epoch
constexpr std::size_t kNamedRecords = 8;   // records listed when a batch is rejected

/// While an object with `on` is alive, libtorch's autocast chooses the type of every operation on a GPU. bfloat16 has
/// the range of float, so the loss needs no scaling.
class MixedPrecision {
 public:
  explicit MixedPrecision(bool on) : on_(on) {
    if (on_) set(true);
  }
  ~MixedPrecision() {
    if (!on_) return;
    at::autocast::clear_cache();
    set(false);
  }
  MixedPrecision(const MixedPrecision&) = delete;
  MixedPrecision& operator=(const MixedPrecision&) = delete;

 private:
  static void set(bool on) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
    at::autocast::set_autocast_enabled(at::kCUDA, on);
#else
    at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
    at::autocast::set_enabled(on);
#endif
  }
  bool on_;
};

}  // namespace

Trainer::Trainer(Network& network, TrainerConfig config, std::string device, TrainingContext context)
    : network_(network),
      config_(std::move(config)),
      device_(std::move(device)),
      context_(std::move(context)),
      optimiser_(config_, network),
      progress_(context_.fit.progress != nullptr ? context_.fit.progress : &quiet_) {}

/// The engine, if the body stays frozen in all epochs and the engine accepts the examples. A GPU is faster where each
/// epoch has other examples.
BodyEngine Trainer::engine_of_frozen_body() const {
  const bool frozen = config_.frozen_epochs < 0 || config_.frozen_epochs >= config_.epochs;
  const AugmentationConfig& augmentation = config_.augmentation;
  if (!frozen || !context_.ranks->alone() || (augmentation.any() && device_ != "cpu")) return {};
  BodyEngine engine = network_.body_engine(thread_budget());
  const bool cropped = augmentation.crop > 0 && augmentation.crop != network_.input().cols;
  return engine.cols > 0 && cropped ? BodyEngine{} : engine;
}

/// Nothing where every example has one embedding and all of these fit into memory.
Stage Trainer::stage_of(const BatchSource& source, const BodyEngine& engine) const {
  const bool changes = config_.augmentation.any(), repeats = config_.augmentation.copies > 0 || !changes;
  const std::size_t copies = std::max<std::size_t>(1, config_.augmentation.copies);
  const bool fit = copies * source.training_examples() * engine.size * sizeof(float) <= kMostEmbeddingBytes;
  if (!changes && fit) return {};
  return {.on = [this](auto stream) { return augmented(std::move(stream)); },
          .repeats = repeats && fit && config_.augmentation.mixup == 0};
}

TrainingCurve Trainer::run(const BatchSource& given) {
  follow_thread_budget(context_.one_libtorch_thread);
  keep_freed_memory();
  if (given.training_examples() == 0) throw Error("there are no examples to train on", "training");
  loss_ = {given.label_count, config_.label_smoothing, {}};
  validation_loss_ = {given.label_count, 0, {}};
  if (config_.balanced) {
    const auto present = static_cast<double>(std::ranges::count_if(given.label_sizes, [](auto n) { return n > 0; }));
    for (const std::size_t size : given.label_sizes)
      loss_.class_weights.push_back(size == 0 ? 0.0F
                                              : static_cast<float>(static_cast<double>(given.training_examples()) /
                                                                   (present * static_cast<double>(size))));
  }
  steps_per_epoch_ = (given.training_examples() + config_.batch_size - 1) / config_.batch_size;

  const BodyEngine engine = engine_of_frozen_body();
  nlohmann::json identity = identity_of(given);
  if (engine.embed) identity["embeddings"] = engine.weights;
  TrainingLog log(context_.fit.run_folder, identity, context_.ranks->rank() == 0);
  const bool resumed = resume(log);
  require_same_start();
  embedded_ = engine.embed && !state_.finished;
  const BatchSource source =
      embedded_ ? embedded(given, engine, stage_of(given, engine), context_.embeddings_folder, *progress_) : given;
  if (!resumed) {
    state_.learning_rate = context_.follow != nullptr ? context_.follow->learning_rate : config_.learning_rate;
    if (state_.learning_rate == 0) find_rate(source);
  }
  const std::size_t examples = source.training_examples();
  Stopwatch since_saved;
  if (!state_.finished) {
    auto stream = training_stream(source, epochs(), state_.position);
    progress_->begin("training", "clips", epochs() * examples,
                     state_.epoch * examples + static_cast<std::uint64_t>(state_.sums.seen));
    progress_->detail(detail());
    while (!state_.finished) {
      EpochReport report;
      try {
        begin_epoch();
        // A run that was interrupted during the validation has finished the epoch's batches.
        if (!state_.position || state_.position->epoch == state_.epoch) run_epoch(*stream);
        report = report_of_epoch();
        if (source.validation) validate(source, report);
      } catch (const Interrupted&) {
        const HoldInterrupts hold;
        save_checkpoint(log);
        progress_->finish();
        throw;
      }
      // An epoch's end is completed and saved as a whole, so a resumed run finds it complete.
      const HoldInterrupts hold;
      end_epoch(report);
      log.add(state_.curve);
      progress_->detail(detail());
      if (context_.fit.epoch_notes) progress_->note(to_string(report, epochs()));
      if (state_.finished || since_saved.seconds() > kCheckpointEvery_s) {
        save_checkpoint(log);
        since_saved = {};
      }
    }
    progress_->finish();
  }
  TrainingCurve curve{{state_.curve.begin(), state_.curve.end()}, state_.curve.size(), state_.learning_rate};
  if (config_.keep_best && state_.best_epoch > 0) {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < best_weights_.size(); ++i) network_.weights()[i].value.copy_(best_weights_[i]);
    curve.chosen_epoch = state_.best_epoch;
  }
  return curve;
}

/// Throws Error unless all ranks continue from the same step: each reads the checkpoint itself.
void Trainer::require_same_start() {
  if (context_.ranks->alone()) return;
  const auto step = static_cast<double>(state_.step), count = static_cast<double>(context_.ranks->count());
  at::Tensor sums = at::tensor({step, step * step}, at::kDouble);
  context_.ranks->sum(sums);
  if (sums[0].item<double>() == count * step && sums[1].item<double>() == count * step * step) return;
  throw Error(
      fmt::format("rank {} continues from step {}, other ranks from another one", context_.ranks->rank(), state_.step),
      "ranks", "put the run folder on storage that all ranks share");
}

std::unique_ptr<BatchStream> Trainer::training_stream(const BatchSource& source, std::uint64_t epochs,
                                                      std::optional<BatchPosition> start) const {
  BatchRequest request{
      config_.batch_size, derive_seed(config_.seed, "batches"), epochs, context_.ranks->rank(), context_.ranks->count(),
      std::move(start)};
  auto stream = source.training(request);
  return prefetched(embedded_ ? std::move(stream) : augmented(std::move(stream)));
}

std::unique_ptr<BatchStream> Trainer::augmented(std::unique_ptr<BatchStream> stream) const {
  if (!config_.augmentation.any()) return stream;
  return std::make_unique<AugmentedStream>(std::move(stream), network_.input(), config_.augmentation,
                                           derive_seed(config_.seed, "augmentation"));
}

/// A fit that follows another ends after that one's chosen epoch, on the schedule of all epochs.
std::uint64_t Trainer::epochs() const {
  const auto all = static_cast<std::uint64_t>(config_.epochs);
  return context_.follow != nullptr ? std::min(all, context_.follow->chosen_epoch) : all;
}

void Trainer::begin_epoch() {
  network_.freeze_body(config_.frozen_epochs < 0 || state_.epoch < static_cast<std::uint64_t>(config_.frozen_epochs));
  if (context_.follow != nullptr && config_.schedule == ScheduleKind::plateau &&
      static_cast<double>(state_.epoch) >= config_.warmup_epochs)
    state_.plateau_share = context_.follow->epochs.at(state_.epoch).learning_rate / context_.follow->learning_rate;
}

std::string Trainer::detail() const {
  std::string text = fmt::format("epoch {} of {}", state_.epoch + (state_.finished ? 0 : 1), epochs());
  if (state_.curve.empty()) return text;
  const EpochReport& last = state_.curve.back();
  text += fmt::format(", loss {:.3f}", last.loss);
  if (last.validation_accuracy) return text + fmt::format(", validation {:.1f} %", 100 * *last.validation_accuracy);
  return text + fmt::format(", accuracy {:.1f} %", 100 * last.accuracy);
}

void Trainer::run_epoch(BatchStream& stream) {
  Batch batch;
  Stopwatch watch;
  const auto lap = [&] { return std::exchange(watch, {}).seconds(); };
  for (;;) {
    // Several ranks stop after the same step; otherwise one would wait for another forever.
    if (context_.ranks->count() == 1 ? interrupt_requested() : stop_) throw Interrupted();
    const HoldInterrupts hold;  // half a step would leave the batch-normalisation statistics ahead of the weights
    lap();
    if (!stream.next(batch)) return;
    const double waited = lap();
    state_.sums.wait_s += waited;
    step(batch);
    state_.sums.train_s += waited + lap();
    state_.position = stream.position();
    progress_->advance(batch.size * static_cast<std::size_t>(context_.ranks->count()));
    if (state_.position->epoch != batch.epoch) return;
  }
}

at::Tensor Trainer::forward(const Batch& batch, const Pass& pass) const {
  const at::Tensor examples = borrowed(batch.features.data(), batch.size, batch.values);
  const at::Device device(device_);
  const MixedPrecision precision(config_.mixed_precision && device.is_cuda());
  const at::Tensor there = sent_to(examples, device);
  return embedded_ ? network_.classify(there, pass) : network_.forward(there, pass);
}

double Trainer::current_rate() const {
  return state_.learning_rate * state_.plateau_share * schedule_share(config_, state_.step, steps_per_epoch_);
}

void Trainer::step(const Batch& batch) {
  const std::string remedy = fmt::format("lower batch_size (now {}), or choose a smaller network", config_.batch_size);
  guarded("training", remedy, [&] {
    Rng noise(derive_seed(config_.seed, fmt::format("dropout {} {}", context_.ranks->rank(), state_.step)));
    optimiser_.clear();
    // Ranks sum their gradients, so each divides by the same number; the optimiser's scale corrects the rest.
    const auto nominal = static_cast<double>(config_.batch_size);
    BatchLoss loss;
    if (batch.size > 0) {
      loss = cross_entropy(loss_, forward(batch, {true, &noise}), batch);
      (loss.sum / nominal).backward();
    }
    at::Tensor counts =
        at::tensor({loss.weight, static_cast<double>(batch.size), interrupt_requested() ? 1.0 : 0.0}, at::kDouble);
    share_gradients(counts);
    const auto* count = counts.data_ptr<double>();
    double scale = nominal / std::max(count[0], 1e-12);
    bool finite = true;
    if (config_.gradient_clip > 0) {
      const double norm = optimiser_.gradient_norm() * scale;
      finite = std::isfinite(norm);
      scale *= std::min(1.0, config_.gradient_clip / std::max(norm, 1e-12));
    }
    if (finite) optimiser_.step(current_rate(), scale);
    // Read after the step: reading waits for a GPU, which may still be computing.
    at::Tensor outcome = loss.outcome.defined() ? loss.outcome.to(at::kCPU) : at::zeros({2}, at::kDouble);
    context_.ranks->sum(outcome);
    const auto* sum = outcome.data_ptr<double>();
    if (!std::isfinite(sum[0])) refuse_batch(batch, "the loss is not a finite number");
    if (!finite) refuse_batch(batch, "the gradient is not finite");
    state_.sums.loss += sum[0];
    state_.sums.correct += static_cast<std::int64_t>(sum[1]);
    state_.sums.weight += count[0];
    state_.sums.seen += static_cast<std::int64_t>(count[1]);
    ++state_.step;
    stop_ = count[2] > 0;
  });
}

void Trainer::share_gradients(at::Tensor& counts) {
  if (context_.ranks->alone()) return;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> flat;
  for (const Weight& weight : network_.weights()) {
    if (!weight.value.requires_grad()) continue;
    const at::Tensor& gradient = weight.value.grad();
    flat.push_back(gradient.defined() ? gradient.flatten() : at::zeros({weight.value.numel()}, weight.value.options()));
  }
  at::Tensor all = at::cat(flat);
  context_.ranks->sum(all);
  std::int64_t at = 0;
  for (Weight& weight : network_.weights()) {
    if (!weight.value.requires_grad()) continue;
    weight.value.mutable_grad() = all.narrow(0, at, weight.value.numel()).view(weight.value.sizes());
    at += weight.value.numel();
  }
  context_.ranks->sum(counts);
}

void Trainer::refuse_batch(const Batch& batch, const std::string& what) const {
  std::vector<std::uint32_t> named(
      batch.records.begin(),
      batch.records.begin() + static_cast<std::ptrdiff_t>(std::min(kNamedRecords, batch.records.size())));
  throw Error(fmt::format("{} in epoch {}, batch {} (records {}{})", what, batch.epoch + 1, batch.number + 1,
                          fmt::join(named, ", "), batch.records.size() > kNamedRecords ? ", ..." : ""),
              "training", "lower learning_rate, set gradient_clip (1 to 5), or inspect these records");
}

EpochReport Trainer::report_of_epoch() const {
  const Sums& sums = state_.sums;
  EpochReport report;
  report.epoch = state_.epoch + 1;
  report.learning_rate = current_rate();
  report.loss = sums.loss / std::max(sums.weight, 1e-12);
  report.accuracy = static_cast<double>(sums.correct) / static_cast<double>(std::max<std::int64_t>(1, sums.seen));
  report.seconds = sums.train_s;
  report.clips_per_s = sums.train_s > 0 ? static_cast<double>(sums.seen) / sums.train_s : 0;
  report.input_wait_share = sums.train_s > 0 ? sums.wait_s / sums.train_s : 0;
  return report;
}

void Trainer::end_epoch(const EpochReport& report) {
  state_.curve.push_back(report);
  state_.sums = {};
  ++state_.epoch;
  update_best_and_schedule(report);
  if (state_.epoch >= epochs()) state_.finished = true;
}

void Trainer::validate(const BatchSource& source, EpochReport& report) {
  const at::NoGradGuard no_grad;
  const std::string remedy = fmt::format("lower batch_size (now {})", config_.batch_size);
  at::Tensor sums = at::zeros({3}, at::kDouble);
  const bool alone = context_.ranks->count() == 1;  // several ranks stop after the same step only
  guarded("validation", remedy, [&] {
    const auto stream = source.validation(
        {.batch_size = config_.batch_size, .rank = context_.ranks->rank(), .ranks = context_.ranks->count()});
    auto* sum = sums.data_ptr<double>();
    Batch batch;
    while (stream->next(batch)) {
      if (alone) throw_if_interrupted();
      if (batch.size == 0) continue;
      const BatchLoss loss = cross_entropy(validation_loss_, forward(batch, {}), batch);
      const at::Tensor outcome = loss.outcome.to(at::kCPU);
      sum[0] += outcome.data_ptr<double>()[0];
      sum[1] += outcome.data_ptr<double>()[1];
      sum[2] += static_cast<double>(batch.size);
    }
  });
  context_.ranks->sum(sums);
  const auto* sum = sums.data_ptr<double>();
  if (sum[2] == 0) return;
  report.validation_loss = sum[0] / sum[2];
  report.validation_accuracy = sum[1] / sum[2];
}

void Trainer::update_best_and_schedule(const EpochReport& report) {
  if (!report.validation_loss) return;
  if (!std::isfinite(*report.validation_loss))
    throw Error(fmt::format("the validation loss of epoch {} is not a finite number", report.epoch), "training",
                "lower learning_rate, or set gradient_clip (1 to 5)");
  const double merit = config_.monitor == Monitor::loss ? -*report.validation_loss : *report.validation_accuracy;
  if (state_.best_epoch == 0 || merit > state_.best) {
    state_.best = merit;
    state_.best_epoch = report.epoch;
    state_.waited = 0;
    keep_best_weights();
  } else if (++state_.waited; config_.patience > 0 && state_.waited >= config_.patience) {
    state_.finished = true;
  }
  if (config_.schedule != ScheduleKind::plateau) return;
  if (report.epoch == 1 || *report.validation_loss < state_.plateau_best) {
    state_.plateau_best = *report.validation_loss;
    state_.plateau_waited = 0;
  } else if (++state_.plateau_waited > config_.plateau_patience) {
    state_.plateau_share *= config_.plateau_factor;
    state_.plateau_waited = 0;
  }
}

void Trainer::keep_best_weights() {
  if (!config_.keep_best) return;
  const at::NoGradGuard no_grad;
  best_weights_.resize(network_.weights().size());
  for (std::size_t i = 0; i < best_weights_.size(); ++i) {
    const at::Tensor& value = network_.weights()[i].value;
    if (best_weights_[i].defined()) {
      best_weights_[i].copy_(value);
    } else {
      best_weights_[i] = value.detach().clone();
    }
  }
  best_is_saved_ = false;
}

}  // namespace genrewise::neural
