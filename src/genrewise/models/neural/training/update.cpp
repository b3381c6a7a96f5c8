#include "genrewise/models/neural/training/update.hpp"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/neural/training/update.cpp"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::neural::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;

/// Calls body(d, i) for i in [0, count), in whole vectors and then value by value.
template <class Body>
HWY_INLINE void for_values(std::size_t count, const Body& body) {
  const Floats d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) body(d, i);
  for (; i < count; ++i) body(One(), i);
}

void adam(const AdamStep& s, std::size_t count, const float* HWY_RESTRICT g, float* HWY_RESTRICT w,
          float* HWY_RESTRICT m, float* HWY_RESTRICT v) {
  for_values(count, [&](auto d, std::size_t i) HWY_ATTR {
    const auto weight = hn::LoadU(d, w + i);
    const auto gradient =
        hn::MulAdd(hn::LoadU(d, g + i), hn::Set(d, s.scale), hn::Mul(weight, hn::Set(d, s.decay_of_gradient)));
    const auto first = hn::MulAdd(hn::Set(d, s.beta1), hn::LoadU(d, m + i), hn::Mul(hn::Set(d, 1 - s.beta1), gradient));
    const auto second = hn::MulAdd(hn::Set(d, s.beta2), hn::LoadU(d, v + i),
                                   hn::Mul(hn::Mul(hn::Set(d, 1 - s.beta2), gradient), gradient));
    const auto below = hn::MulAdd(hn::Sqrt(second), hn::Set(d, s.root), hn::Set(d, s.epsilon));
    hn::StoreU(first, d, m + i);
    hn::StoreU(second, d, v + i);
    hn::StoreU(hn::Sub(hn::Mul(hn::Set(d, s.keep), weight), hn::Div(hn::Mul(hn::Set(d, s.rate), first), below)), d,
               w + i);
  });
}

void sgd(const SgdStep& s, std::size_t count, const float* HWY_RESTRICT g, float* HWY_RESTRICT w,
         float* HWY_RESTRICT m) {
  for_values(count, [&](auto d, std::size_t i) HWY_ATTR {
    const auto weight = hn::LoadU(d, w + i);
    const auto gradient = hn::MulAdd(hn::LoadU(d, g + i), hn::Set(d, s.scale), hn::Mul(weight, hn::Set(d, s.decay)));
    const auto moment = hn::MulAdd(hn::Set(d, s.momentum), hn::LoadU(d, m + i), gradient);
    hn::StoreU(moment, d, m + i);
    hn::StoreU(hn::NegMulAdd(hn::Set(d, s.rate), moment, weight), d, w + i);
  });
}

}  // namespace
}  // namespace genrewise::neural::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise::neural {

HWY_EXPORT(adam);
HWY_EXPORT(sgd);

void adam_update(const AdamStep& step, std::size_t count, const float* gradient, float* w, float* m, float* v) {
  HWY_DYNAMIC_DISPATCH(adam)(step, count, gradient, w, m, v);
}

void sgd_update(const SgdStep& step, std::size_t count, const float* gradient, float* w, float* m) {
  HWY_DYNAMIC_DISPATCH(sgd)(step, count, gradient, w, m);
}

}  // namespace genrewise::neural
#endif
