// Several processes (or threads) that train one network together. Private to this module.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

namespace genrewise::neural {

/// One rank. The default is a single rank without communication, so training has one code path.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int rank() const { return 0; }
  virtual int count() const { return 1; }
  /// Whether there is no other rank, so that sum() does nothing.
  virtual bool alone() const { return true; }
  /// Sums the tensor over all ranks, in place; every rank calls it in the same order.
  virtual void sum(at::Tensor&) {}
};

/// c10d over TCP: Gloo on the CPU, NCCL on GPUs. `address`: "host:port" of rank 0. Throws Error when libtorch was built
/// without the backend, or the other ranks do not connect within a minute. A single rank uses the same code.
std::unique_ptr<Ranks> connect_ranks(const std::string& address, int rank, int count, const std::string& device);

}  // namespace genrewise::neural
