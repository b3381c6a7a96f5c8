#include "genrewise/models/neural/training/ranks.hpp"

#include <fmt/format.h>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"

#if defined(USE_C10D_GLOO) || defined(USE_C10D_NCCL)
#define GENREWISE_C10D
#include <ATen/ATen.h>

#include <chrono>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#endif

namespace genrewise::neural {

#ifdef GENREWISE_C10D
namespace {

constexpr std::chrono::minutes kPatience(1);  // to wait for the other ranks to connect; a training step may take longer
#ifdef USE_C10D_GLOO
constexpr std::chrono::minutes kStepPatience(30);
#endif

/// All c10d backends share this interface. Tensors are summed on one device: NCCL supports only GPUs, Gloo only CPUs.
template <class Group>
class GroupRanks final : public Ranks {
 public:
  GroupRanks(c10::intrusive_ptr<Group> group, int rank, int count, const std::string& device)
      : group_(std::move(group)), rank_(rank), count_(count), device_(device) {}
  int rank() const override { return rank_; }
  int count() const override { return count_; }
  bool alone() const override { return false; }
  void sum(at::Tensor& tensor) override {
    std::vector<at::Tensor> tensors = {tensor.to(device_)};
    finish(group_->allreduce(tensors));
    if (tensor.device() != device_) tensor.copy_(tensors.front());
  }

 private:
  template <class Work>
  void finish(const Work& work) {
    try {
      work->wait();
    } catch (const std::exception& problem) {
      throw Error(fmt::format("rank {} lost the connection to the others: {}", rank_, problem.what()), "ranks",
                  "start all ranks again: they continue from the last checkpoint");
    }
  }
  c10::intrusive_ptr<Group> group_;
  int rank_, count_;
  at::Device device_;
};

template <class Group>
std::unique_ptr<Ranks> ranks_of(c10::intrusive_ptr<Group> group, int rank, int count, const std::string& device) {
  return std::make_unique<GroupRanks<Group>>(std::move(group), rank, count, device);
}

c10::intrusive_ptr<c10d::Store> open_store(const std::string& address, int rank, int count) {
  const std::size_t colon = address.rfind(':');
  long long port = 0;
  if (colon == std::string::npos || !parse_number(std::string_view(address).substr(colon + 1), port) || port < 1 ||
      port > 65535)
    throw Error("'" + address + "' is not an address", "ranks", "give HOST:PORT of rank 0");
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(port);
  options.isServer = rank == 0;
  options.numWorkers = static_cast<std::size_t>(count);
  options.waitWorkers = true;
  options.timeout = kPatience;
  return c10::make_intrusive<c10d::TCPStore>(address.substr(0, colon), options);
}

}  // namespace

std::unique_ptr<Ranks> connect_ranks(const std::string& address, int rank, int count, const std::string& device) {
  if (count < 1 || rank < 0 || rank >= count)
    throw Error(fmt::format("rank {} of {} is not possible", rank, count), "ranks", "ranks are counted from 0");
  try {
    auto store = open_store(address, rank, count);
    if (device != "cpu") {
#ifdef USE_C10D_NCCL
      return ranks_of(c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, count), rank, count, device);
#else
      throw Error("this program was built without NCCL, which GPUs need to train together", "ranks",
                  "build it with a libtorch that has NCCL, or train on the processor (--device cpu)");
#endif
    }
#ifdef USE_C10D_GLOO
    auto options = c10d::ProcessGroupGloo::Options::create(kStepPatience);
    options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    return ranks_of(c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, count, options), rank, count, device);
#else
    throw Error("this program was built without Gloo, which CPUs need to train together", "ranks",
                "build it where Gloo's headers are (Debian: libgloo-dev)");
#endif
  } catch (const Error&) {
    throw;
  } catch (const std::exception& problem) {
    const std::string text = problem.what();
    throw Error(fmt::format("rank {} of {} cannot reach the others: {}", rank, count, text.substr(0, text.find('\n'))),
                address, "start all ranks within a minute, with the same address and number of ranks");
  }
}

#else

std::unique_ptr<Ranks> connect_ranks(const std::string&, int, int, const std::string&) {
  throw Error("this program was built without c10d, which several processes need to train together", "ranks",
              "build it where Gloo's headers are (Debian: libgloo-dev)");
}

#endif

}  // namespace genrewise::neural
