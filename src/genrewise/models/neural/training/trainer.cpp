#include "genrewise/models/neural/training/trainer.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/models/neural/training/device.hpp"
#include "genrewise/models/neural/training/mixed_precision.hpp"
#include "genrewise/models/neural/training/streams.hpp"

namespace genrewise::neural {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr std::size_t kNamedRecords = 8;  // records listed when a batch is rejected

}  // namespace

Trainer::Trainer(Network& network, TrainerConfig config, std::string device, TrainingContext context)
    : network_(network),
      config_(std::move(config)),
      device_(std::move(device)),
      context_(std::move(context)),
      optimiser_(config_, network),
      progress_(context_.progress != nullptr ? context_.progress : &quiet_) {}

TrainingResult Trainer::run(const BatchSource& source) {
  follow_thread_budget(context_.small_layers);
  if (source.training_examples() == 0) throw Error("there are no examples to train on", "training");
  loss_ = {source.label_count, config_.label_smoothing, {}};
  validation_loss_ = {source.label_count, 0, {}};
  if (config_.balanced) {
    const auto present = static_cast<double>(std::ranges::count_if(source.label_sizes, [](auto n) { return n > 0; }));
    for (const std::size_t size : source.label_sizes)
      loss_.class_weights.push_back(size == 0 ? 0.0F
                                              : static_cast<float>(static_cast<double>(source.training_examples()) /
                                                                   (present * static_cast<double>(size))));
  }
  steps_per_epoch_ = (source.training_examples() + config_.batch_size - 1) / config_.batch_size;

  TrainingLog log(context_.run_folder, identity_of(source), context_.ranks->rank() == 0);
  TrainingResult result;
  result.resumed = resume(log);
  if (!result.resumed) {
    state_.learning_rate = config_.learning_rate;
    if (config_.learning_rate == 0) find_rate(source);
  }
  const auto epochs = static_cast<std::uint64_t>(config_.epochs);
  const std::size_t examples = source.training_examples();
  auto last_saved = Clock::now();
  double wait_s = 0, train_s = 0;
  if (!state_.finished) {
    auto stream = training_stream(source, epochs, state_.position);
    progress_->begin("training", "clips", epochs * examples,
                     state_.epoch * examples + static_cast<std::uint64_t>(state_.sums.seen));
    while (!state_.finished) {
      try {
        network_.freeze_body(config_.frozen_epochs < 0 ||
                             state_.epoch < static_cast<std::uint64_t>(config_.frozen_epochs));
        run_epoch(*stream);
      } catch (const Interrupted&) {
        const HoldInterrupts hold;
        save_checkpoint(log);
        progress_->finish();
        throw;
      }
      const HoldInterrupts hold;  // an epoch's end is completed and saved as a whole, so a resumed run finds it complete
      wait_s += state_.sums.wait_s;
      train_s += state_.sums.train_s;
      end_epoch(source);
      log.add(state_.curve);
      progress_->note(to_string(state_.curve.back(), config_.epochs));
      if (state_.finished || seconds_since(last_saved) > context_.checkpoint_every_s) {
        save_checkpoint(log);
        last_saved = Clock::now();
      }
    }
    progress_->finish();
  }
  if (config_.keep_best && state_.best_epoch > 0) {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < best_weights_.size(); ++i) network_.weights()[i].value.copy_(best_weights_[i]);
    result.best_epoch = state_.best_epoch;
  }
  result.curve = state_.curve;
  result.learning_rate = state_.learning_rate;
  result.input_wait_share = train_s > 0 ? wait_s / train_s : 0;
  return result;
}

std::unique_ptr<BatchStream> Trainer::training_stream(const BatchSource& source, std::uint64_t epochs,
                                                      std::optional<BatchPosition> start) const {
  BatchRequest request{
      config_.batch_size, derive_seed(config_.seed, "batches"), epochs, context_.ranks->rank(), context_.ranks->count(),
      std::move(start)};
  auto stream = source.training(request);
  if (config_.augmentation.any()) {
    const std::uint64_t seed = derive_seed(config_.seed, fmt::format("augmentation of rank {}", request.rank));
    stream = std::make_unique<AugmentedStream>(std::move(stream), network_.input(), config_.augmentation, seed);
  }
  return prefetched(std::move(stream));
}

void Trainer::run_epoch(BatchStream& stream) {
  Batch batch;
  auto mark = Clock::now();
  const auto lap = [&] {
    const double seconds = seconds_since(mark);
    mark = Clock::now();
    return seconds;
  };
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
  return network_.forward(sent_to(examples, device), pass);
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

void Trainer::end_epoch(const BatchSource& source) {
  const Sums& sums = state_.sums;
  EpochReport report;
  report.epoch = state_.epoch + 1;
  report.learning_rate = current_rate();
  report.training_loss = sums.loss / std::max(sums.weight, 1e-12);
  report.training_accuracy =
      static_cast<double>(sums.correct) / static_cast<double>(std::max<std::int64_t>(1, sums.seen));
  report.seconds = sums.train_s;
  report.clips_per_s = sums.train_s > 0 ? static_cast<double>(sums.seen) / sums.train_s : 0;
  report.input_wait_share = sums.train_s > 0 ? sums.wait_s / sums.train_s : 0;
  if (source.validation) validate(source, report);
  state_.curve.push_back(report);
  state_.sums = {};
  ++state_.epoch;
  update_best_and_schedule(report);
  if (state_.epoch >= static_cast<std::uint64_t>(config_.epochs)) state_.finished = true;
}

void Trainer::validate(const BatchSource& source, EpochReport& report) {
  const at::NoGradGuard no_grad;
  const std::string remedy = fmt::format("lower batch_size (now {})", config_.batch_size);
  at::Tensor sums = at::zeros({3}, at::kDouble);
  guarded("validation", remedy, [&] {
    const auto stream = source.validation(
        {.batch_size = config_.batch_size, .rank = context_.ranks->rank(), .ranks = context_.ranks->count()});
    auto* sum = sums.data_ptr<double>();
    Batch batch;
    while (stream->next(batch)) {
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
