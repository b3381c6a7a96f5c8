// The optimisers' updates on the CPU, by Google Highway. Free of libtorch.
#pragma once

#include <cstddef>

namespace genrewise::neural {

/// Adam (Kingma and Ba 2015) with decoupled decay (Loshchilov and Hutter 2019), with the constants that all values of
/// a weight share: gradient' = gradient * scale + decay_of_gradient * w;  m = beta1 * m + (1 - beta1) * gradient';
/// v = beta2 * v + (1 - beta2) * gradient'^2;  w = keep * w - rate * m / (sqrt(v) * root + epsilon).
struct AdamStep {
  float scale = 1, decay_of_gradient = 0, keep = 1, rate = 0, root = 1;
  float beta1 = 0, beta2 = 0, epsilon = 0;
};
void adam_update(const AdamStep& step, std::size_t count, const float* gradient, float* w, float* m, float* v);

/// m = momentum * m + gradient * scale + decay * w;  w = w - rate * m.
struct SgdStep {
  float scale = 1, decay = 0, momentum = 0, rate = 0;
};
void sgd_update(const SgdStep& step, std::size_t count, const float* gradient, float* w, float* m);

}  // namespace genrewise::neural
