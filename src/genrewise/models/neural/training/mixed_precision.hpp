// bfloat16 where it is safe, on a GPU. Private to this module.
#pragma once

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace genrewise::neural {

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

}  // namespace genrewise::neural
