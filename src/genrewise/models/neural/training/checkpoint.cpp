// Checkpoints of a training run, and the learning-rate search.
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/models/neural/training/trainer.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise::neural {

namespace {

using nlohmann::json;

constexpr int kStateVersion = 2;
constexpr char kRestart[] = "remove the run folder to start again";

TensorArchive read_checkpoint(const std::filesystem::path& path, const TrainingLog& log) {
  TensorArchive checkpoint = TensorArchive::read_sealed(path, kRestart);
  if (checkpoint.seal() == Seal::absent) throw Error("has no checksum", path.string(), kRestart);
  const auto run = checkpoint.metadata.find("run");
  if (run == checkpoint.metadata.end() || run->second != log.run())
    throw Error("is a checkpoint of another training run", path.string(), kRestart);
  return checkpoint;
}

}  // namespace

json Trainer::identity_of(const BatchSource& source) const {
  json identity = context_.identity;
  identity["data"] = source.fingerprint;
  identity["labels"] = source.label_count;
  identity["values"] = source.values;
  identity["seed"] = config_.seed;
  identity["ranks"] = context_.ranks->count();
  return identity;
}

void Trainer::save_checkpoint(const TrainingLog& log) {
  if (!log.keeps() || context_.ranks->rank() != 0) return;
  if (!best_is_saved_) {
    TensorArchive best(log.best_checkpoint().string());
    best.metadata["epoch"] = std::to_string(state_.best_epoch);
    best.metadata["run"] = log.run();
    for (std::size_t i = 0; i < best_weights_.size(); ++i)
      put_tensor(best, "network." + network_.weights()[i].name, best_weights_[i]);
    write_file(log.best_checkpoint(), best.serialise_sealed());
    best_is_saved_ = true;
  }
  json state = state_;
  state["version"] = kStateVersion;
  TensorArchive last(log.last_checkpoint().string());
  last.metadata["state"] = state.dump();
  last.metadata["run"] = log.run();
  network_.save(last, "network.");
  if (!state_.finished) optimiser_.save(last, "optimiser.");  // twice the size of the weights
  write_file(log.last_checkpoint(), last.serialise_sealed());
}

bool Trainer::resume(const TrainingLog& log) {
  if (!log.keeps() || !path_exists(log.last_checkpoint())) return false;
  usable([&] { load_checkpoint(log); });
  return true;
}

void Trainer::load_checkpoint(const TrainingLog& log) {
  const TensorArchive last = read_checkpoint(log.last_checkpoint(), log);
  try {
    const auto text = last.metadata.find("state");
    if (text == last.metadata.end()) throw Error("is not a training checkpoint", last.name());
    const json state = parse_json(text->second, last.name(), kRestart);
    if (state.at("version") != kStateVersion) throw Error("is a checkpoint of another format version", last.name());
    state.get_to(state_);
    const auto [least, most] = std::minmax({0, state_.waited, state_.plateau_waited});
    if (state_.epoch + (state_.finished ? 0 : 1) > epochs() || state_.curve.size() != state_.epoch || least < 0 ||
        std::max(state_.best_epoch, static_cast<std::uint64_t>(most)) > state_.epoch)
      throw Error("its state contradicts itself", last.name(), kRestart);
  } catch (const json::exception& problem) {
    throw Error("its state is invalid: " + problem_of(problem), last.name(), kRestart);
  }
  network_.load(last, "network.");
  if (!state_.finished) optimiser_.load(last, "optimiser.");
  if (config_.keep_best && state_.best_epoch > 0) {
    // It may be of a later epoch than the state: training then reaches the same epoch and the same weights.
    const TensorArchive best = read_checkpoint(log.best_checkpoint(), log);
    best_weights_.clear();
    for (const Weight& weight : network_.weights()) {
      best_weights_.push_back(at::empty_like(weight.value.detach()));
      take_tensor(best, "network." + weight.name, best_weights_.back());
    }
  }
}

void Trainer::find_rate(const BatchSource& source) {
  constexpr double kFirst = 1e-6, kLast = 1;
  constexpr int kSteps = 60;
  std::vector<at::Tensor> kept;
  const at::NoGradGuard no_grad;
  for (const Weight& weight : network_.weights()) kept.push_back(weight.value.detach().clone());
  const State before = state_;
  const auto stream = training_stream(source, 0, std::nullopt);
  std::vector<RatePoint> points;
  Batch batch;
  progress_->begin("learning-rate search", "steps", kSteps);
  for (int i = 0; i < kSteps && stream->next(batch); ++i) {
    throw_if_interrupted();
    const double rate = kFirst * std::pow(kLast / kFirst, static_cast<double>(i) / (kSteps - 1));
    state_ = before;
    state_.step = static_cast<std::uint64_t>(i);
    // Cancel the schedule: the search sets the rate itself.
    state_.learning_rate = rate / std::max(schedule_share(config_, state_.step, steps_per_epoch_), 1e-12);
    try {
      const at::AutoGradMode with_gradients(true);
      step(batch);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {
      if (points.size() < 3) throw;
      break;  // the rate is too high: end of the search
    }
    points.push_back({rate, state_.sums.loss / std::max(state_.sums.weight, 1e-12)});
    progress_->advance();
    const auto least = std::ranges::min_element(points, {}, &RatePoint::loss);
    if (points.back().loss > 4 * least->loss) break;
  }
  progress_->finish();
  for (std::size_t i = 0; i < kept.size(); ++i) network_.weights()[i].value.copy_(kept[i]);
  optimiser_.reset();
  state_ = before;
  state_.learning_rate = suggested_rate(points);
  progress_->note(fmt::format("learning rate found: {:.3g}", state_.learning_rate));
}

double suggested_rate(const std::vector<RatePoint>& points) {
  if (points.size() < 3) throw Error("too few steps to find a learning rate", "learning_rate=auto", "give a number");
  constexpr double kSmoothing = 0.9, kRising = 1.25;
  constexpr std::size_t kSpan = 8;  // steps over which a fall is measured: fewer would measure noise
  std::vector<double> smooth;
  double sum = 0, weight = 0;
  std::size_t lowest = 0;
  for (const RatePoint& point : points) {
    sum = kSmoothing * sum + (1 - kSmoothing) * point.loss;
    weight = kSmoothing * weight + (1 - kSmoothing);
    smooth.push_back(sum / weight);
    // A fall after a rise is only the recovery from too high a rate.
    if (smooth.back() > kRising * smooth[lowest]) break;
    if (smooth.back() < smooth[lowest]) lowest = smooth.size() - 1;
  }
  if (lowest == 0) return points[smooth.size() - 1].rate / 10;
  std::size_t steepest = std::min(lowest, kSpan);
  const auto fall = [&](std::size_t i) { return smooth[i - std::min(i, kSpan)] - smooth[i]; };
  for (std::size_t i = kSpan; i <= lowest; ++i)
    if (fall(i) > fall(steepest)) steepest = i;
  return points[steepest].rate;
}

}  // namespace genrewise::neural
