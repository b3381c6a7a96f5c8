#include "genrewise/models/neural/training/optimiser.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "genrewise/base/parallel.hpp"
#include "genrewise/models/neural/training/update.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise::neural {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
constexpr std::int64_t kChunk = 1 << 16;  // values per item of a parallel loop

}  // namespace

Optimiser::Optimiser(const TrainerConfig& config, Network& network, bool own_loops)
    : config_(config), network_(network), own_loops_(own_loops) {
  for (std::size_t i = 0; i < network.weights().size(); ++i) {
    const Weight& weight = network.weights()[i];
    if (!weight.trainable) continue;
    Slot slot;
    slot.weight = i;
    slot.first = at::zeros_like(weight.value.detach());
    if (config.optimiser != OptimiserKind::sgd) slot.second = at::zeros_like(slot.first);
    slots_.push_back(std::move(slot));
  }
}

void Optimiser::reset() {
  const at::NoGradGuard no_grad;
  for (Slot& slot : slots_) {
    slot.steps = 0;
    slot.first.zero_();
    if (slot.second.defined()) slot.second.zero_();
  }
}

void Optimiser::clear() {
  for (Weight& weight : network_.weights())
    if (weight.trainable) weight.value.mutable_grad() = at::Tensor();
}

double Optimiser::gradient_norm() const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const Slot& slot : slots_) {
    const at::Tensor& gradient = network_.weights()[slot.weight].value.grad();
    if (gradient.defined()) gradients.push_back(gradient);
  }
  if (gradients.empty()) return 0;
  return at::stack(at::_foreach_norm(gradients)).to(at::kDouble).norm().item<double>();
}

void Optimiser::step(double rate, double gradient_scale) {
  const at::NoGradGuard no_grad;
  struct Piece {
    Slot* slot;
    std::int64_t begin, end;
  };
  std::vector<Piece> pieces;
  // The key of a list: rate, decay and the number of steps so far.
  std::map<std::tuple<bool, bool, std::int64_t>, std::vector<Slot*>> lists;
  for (Slot& slot : slots_) {
    Weight& weight = network_.weights()[slot.weight];
    if (!weight.value.grad().defined() || !weight.value.requires_grad()) continue;
    ++slot.steps;
    if (!own_loops_ || !weight.value.is_cpu()) {
      lists[{weight.body, weight.decays, slot.steps}].push_back(&slot);
      continue;
    }
    if (!weight.value.grad().is_contiguous()) weight.value.mutable_grad() = weight.value.grad().contiguous();
    for (std::int64_t at = 0; at < weight.value.numel(); at += kChunk)
      pieces.push_back({&slot, at, std::min(weight.value.numel(), at + kChunk)});
  }
  for (const auto& [shared, slots] : lists) step_by_lists(slots, rate, gradient_scale);
  const auto work = [&](std::size_t i, int) {
    const Piece& piece = pieces[i];
    const double own_rate = rate_of(network_.weights()[piece.slot->weight], rate);
    step_on_processor(*piece.slot, piece.begin, piece.end, own_rate, gradient_scale);
  };
  parallel_for(pieces.size(), work, pieces.size() < 32 ? 1 : 0);  // starting threads would cost more than it saves
}

void Optimiser::step_on_processor(const Slot& slot, std::int64_t begin, std::int64_t end, double rate, double scale) {
  const Weight& weight = network_.weights()[slot.weight];
  const float* gradient = weight.value.grad().data_ptr<float>() + begin;
  float* value = weight.value.data_ptr<float>() + begin;
  float* first = slot.first.data_ptr<float>() + begin;
  const double decay = weight.decays ? config_.weight_decay : 0;
  if (config_.optimiser == OptimiserKind::sgd) {
    const SgdStep step{static_cast<float>(scale), static_cast<float>(decay), static_cast<float>(config_.momentum),
                       static_cast<float>(rate)};
    sgd_update(step, static_cast<std::size_t>(end - begin), gradient, value, first);
    return;
  }
  const bool decoupled = config_.optimiser == OptimiserKind::adamw;
  const auto t = static_cast<double>(slot.steps);
  AdamStep step{.beta1 = static_cast<float>(kBeta1),
                .beta2 = static_cast<float>(kBeta2),
                .epsilon = static_cast<float>(kEpsilon)};
  step.scale = static_cast<float>(scale);
  step.decay_of_gradient = decoupled ? 0.0F : static_cast<float>(decay);
  step.keep = decoupled ? static_cast<float>(1 - rate * decay) : 1.0F;
  step.rate = static_cast<float>(rate / (1 - std::pow(kBeta1, t)));
  step.root = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, t)));
  adam_update(step, static_cast<std::size_t>(end - begin), gradient, value, first,
              slot.second.data_ptr<float>() + begin);
}

void Optimiser::step_by_lists(const std::vector<Slot*>& slots, double general_rate, double scale) {
  const Weight& weight = network_.weights()[slots.front()->weight];  // all share what is read below
  const double rate = rate_of(weight, general_rate), decay = weight.decays ? config_.weight_decay : 0;
  std::vector<at::Tensor> values, gradients, firsts, seconds;
  for (const Slot* slot : slots) {
    values.push_back(network_.weights()[slot->weight].value.detach());
    gradients.push_back(network_.weights()[slot->weight].value.grad());
    firsts.push_back(slot->first);
    if (slot->second.defined()) seconds.push_back(slot->second);
  }
  gradients = at::_foreach_mul(gradients, scale);
  const bool decoupled = config_.optimiser == OptimiserKind::adamw;
  if (decay > 0 && !decoupled) at::_foreach_add_(gradients, values, decay);
  if (config_.optimiser == OptimiserKind::sgd) {
    at::_foreach_mul_(firsts, config_.momentum);
    at::_foreach_add_(firsts, gradients);
    at::_foreach_add_(values, firsts, -rate);
    return;
  }
  const auto t = static_cast<double>(slots.front()->steps);
  if (decoupled && decay > 0) at::_foreach_mul_(values, 1 - rate * decay);
  at::_foreach_mul_(firsts, kBeta1);
  at::_foreach_add_(firsts, gradients, 1 - kBeta1);
  at::_foreach_mul_(seconds, kBeta2);
  at::_foreach_addcmul_(seconds, gradients, gradients, 1 - kBeta2);
  std::vector<at::Tensor> roots = at::_foreach_sqrt(seconds);
  at::_foreach_mul_(roots, 1 / std::sqrt(1 - std::pow(kBeta2, t)));
  at::_foreach_add_(roots, kEpsilon);
  at::_foreach_addcdiv_(values, firsts, roots, -rate / (1 - std::pow(kBeta1, t)));
}

void Optimiser::save(TensorArchive& archive, const std::string& prefix) const {
  for (const Slot& slot : slots_) {
    const std::string name = prefix + network_.weights()[slot.weight].name;
    const auto put = [&](const std::string& part, const at::Tensor& tensor) {
      if (tensor.defined()) put_tensor(archive, name + part, tensor.flatten());
    };
    put(".first", slot.first);
    put(".second", slot.second);
    archive.put(name + ".steps", std::span<const std::int64_t>(&slot.steps, 1));
  }
}

void Optimiser::load(const TensorArchive& archive, const std::string& prefix) {
  for (Slot& slot : slots_) {
    const std::string name = prefix + network_.weights()[slot.weight].name;
    const auto take = [&](const std::string& part, const at::Tensor& tensor) {
      if (tensor.defined()) take_tensor(archive, name + part, tensor);
    };
    take(".first", slot.first);
    take(".second", slot.second);
    slot.steps = archive.integer(name + ".steps");
  }
}

}  // namespace genrewise::neural
