#include "genrewise/models/neural/layers/network.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise::neural {

void Network::freeze_body(bool frozen) {
  for (Weight& weight : weights_) {
    if (!weight.body || !weight.trainable) continue;
    weight.value.set_requires_grad(!frozen);
  }
}

void Network::to(const std::string& device) {
  const at::NoGradGuard no_grad;
  const at::Device there(device);
  for (Weight& weight : weights_) {
    if (weight.value.device() == there) continue;
    const bool trainable = weight.value.requires_grad();
    const bool filters = weight.value.dim() == 4 && there.is_cuda();
    // The layers hold the same tensor, so its storage is replaced rather than the tensor.
    weight.value.set_data(weight.value.detach().to(there).contiguous(filters ? at::MemoryFormat::ChannelsLast
                                                                             : at::MemoryFormat::Contiguous));
    weight.value.set_requires_grad(trainable);
  }
}

void Network::save(TensorArchive& archive, const std::string& prefix) const {
  for (const Weight& weight : weights_) put_tensor(archive, prefix + weight.name, weight.value);
}

void Network::load(const TensorArchive& archive, const std::string& prefix) {
  const at::NoGradGuard no_grad;
  for (Weight& weight : weights_) {
    const std::string name = prefix + weight.name;
    const at::IntArrayRef shape = weight.value.sizes();
    require_weight(archive, name, {shape.data(), shape.size()});
    take_tensor(archive, name, weight.value);
  }
}

void require_weight(const TensorArchive& archive, const std::string& name, std::span<const std::int64_t> shape) {
  constexpr char kRemedy[] = "these are the weights of another network";
  if (!archive.contains(name)) throw Error(fmt::format("has no weight '{}'", name), archive.name(), kRemedy);
  const auto& found = archive.tensor(name).shape;
  if (!std::ranges::equal(found, shape, [](std::size_t a, std::int64_t b) { return std::cmp_equal(a, b); }))
    throw Error(fmt::format("the weight '{}' has shape [{}], but the network's has [{}]", name, fmt::join(found, ", "),
                            fmt::join(shape, ", ")),
                archive.name(), kRemedy);
}

void put_tensor(TensorArchive& archive, const std::string& name, const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().to(at::kCPU).contiguous();
  archive.put(name, std::span<const float>(plain.data_ptr<float>(), static_cast<std::size_t>(plain.numel())),
              std::vector<std::size_t>(plain.sizes().begin(), plain.sizes().end()));
}

void take_tensor(const TensorArchive& archive, const std::string& name, const at::Tensor& into) {
  std::vector<float> values = archive.floats(name, static_cast<std::size_t>(into.numel()));
  into.copy_(at::from_blob(values.data(), into.sizes(), at::kFloat));
}

at::Tensor borrowed(const float* values, std::size_t rows, std::size_t cols) {
  return at::from_blob(const_cast<float*>(values), {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(cols)},
                       at::kFloat);
}

at::Tensor sent_to(const at::Tensor& tensor, const at::Device& device) {
  if (tensor.device() == device) return tensor;
  return device.is_cuda() && tensor.is_cpu() ? tensor.pin_memory().to(device, true) : tensor.to(device);
}

const NetworkKind& network_kind(std::string_view name) {
#define GENREWISE_ENTRY(network) {#network, network##_kind()},
  static const std::map<std::string, NetworkKind, std::less<>> kinds = {GENREWISE_NETWORKS(GENREWISE_ENTRY)};
#undef GENREWISE_ENTRY
  const auto found = kinds.find(name);
  if (found != kinds.end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& [known, kind] : kinds) names.push_back(known);
  throw Error(fmt::format("there is no network '{}'", name), {},
              fmt::format("choose one of {}", fmt::join(names, ", ")));
}

}  // namespace genrewise::neural
