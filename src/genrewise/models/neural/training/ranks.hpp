// Several processes (or threads) that train one network together. Private to the neural room.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

namespace genrewise::neural {

/// One of them. The default is the only one, for which all is done already: training has one code path.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int rank() const { return 0; }
  virtual int count() const { return 1; }
  /// Whether there is nobody to share with, so that sum() does nothing.
  virtual bool alone() const { return true; }
  /// Adds up the tensor over all ranks, in place; every rank calls it in the same order.
  virtual void sum(at::Tensor&) {}
};

/// c10d over TCP: Gloo on the processor, NCCL on GPUs. `address`: "host:port" of rank 0. Throws Error when libtorch was
/// built without it, or the others do not come within a minute. A single rank goes the same way.
std::unique_ptr<Ranks> connect_ranks(const std::string& address, int rank, int count, const std::string& device);

}  // namespace genrewise::neural
