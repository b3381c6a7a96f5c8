#include "genrewise/models/classical/smo_step.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/classical/smo_step.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Doubles = hn::CappedTag<double, kSmoLanes>;
using Vector = hn::Vec<Doubles>;
using HalfFloats = hn::Rebind<float, Doubles>;

// Calls body(k, slots, kernel values) for each register of a class; the last one, which may extend beyond the end of a
// row, reads copies. Slots are exact in double.
template <class Body>
HWY_INLINE void for_registers(const SmoClass& state, const float* a, const float* b, const Body& body) {
  const Doubles d;
  const std::size_t lanes = hn::Lanes(d), whole = state.count / lanes * lanes;
  const auto load = [&](const float* from) HWY_ATTR { return hn::PromoteTo(d, hn::LoadU(HalfFloats(), from)); };
  auto slots = hn::Iota(d, static_cast<double>(state.start));
  const auto step = hn::Set(d, static_cast<double>(lanes));
  for (std::size_t k = 0; k < whole; k += lanes, slots = hn::Add(slots, step)) body(k, slots, load(a + k), load(b + k));
  if (whole == state.count) return;
  float tail_a[kSmoLanes] = {}, tail_b[kSmoLanes] = {};
  std::copy(a + whole, a + state.count, tail_a);
  std::copy(b + whole, b + state.count, tail_b);
  body(whole, slots, load(tail_a), load(tail_b));
}

// f += delta * (a - b), then the extremes of f. `a` and `b` are rows of the kernel.
void update(const SmoClass& state, const float* a, const float* b, double delta, SmoExtremes& seen) {
  const Doubles d;
  Vector least = hn::Set(d, SmoExtremes().f_up), most = hn::Set(d, SmoExtremes().highest_low), at = hn::Zero(d);
  const Vector factor = hn::Set(d, delta);
  for_registers(state, a, b, [&](std::size_t k, Vector slots, Vector of_a, Vector of_b) HWY_ATTR {
    const auto f = hn::MulAdd(factor, hn::Sub(of_a, of_b), hn::LoadU(d, state.f + k));
    hn::StoreU(f, d, state.f + k);
    const auto candidate = hn::Add(f, hn::LoadU(d, state.up + k));
    const auto is_less = hn::Le(candidate, least);
    at = hn::IfThenElse(is_less, slots, at);
    least = hn::IfThenElse(is_less, candidate, least);
    most = hn::Max(hn::Add(f, hn::LoadU(d, state.low + k)), most);
  });
  double values[kSmoLanes], slots[kSmoLanes], lows[kSmoLanes];
  hn::StoreU(least, d, values);
  hn::StoreU(at, d, slots);
  hn::StoreU(most, d, lows);
  for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) {
    const auto slot = static_cast<std::size_t>(slots[lane]);
    seen.highest_low = std::max(seen.highest_low, lows[lane]);
    if (values[lane] > seen.f_up || (values[lane] == seen.f_up && slot < seen.up_at)) continue;
    seen.f_up = values[lane];
    seen.up_at = slot;
  }
}

// Gains are (f - f_up)^2 / curvature, compared without division.
void find_second(const SmoClass& state, const float* row_up, double f_up, double diagonal_up, SmoSecond& best) {
  const Doubles d;
  Vector gain = hn::Zero(d), curvature = hn::Set(d, 1.0), at = gain;
  const Vector lowest = hn::Set(d, f_up), own = hn::Set(d, diagonal_up), two = hn::Set(d, 2.0);
  const Vector least_bend = hn::Set(d, kLeastSmoCurvature);
  for_registers(state, row_up, row_up, [&](std::size_t k, Vector slots, Vector kernel, Vector) HWY_ATTR {
    const auto f = hn::Add(hn::LoadU(d, state.f + k), hn::LoadU(d, state.low + k)), difference = hn::Sub(f, lowest);
    const auto diagonals = hn::Add(hn::LoadU(d, state.diagonal + k), own);
    const auto bend = hn::Max(hn::NegMulAdd(two, kernel, diagonals), least_bend);
    const auto squared = hn::Mul(difference, difference);
    const auto is_better =
        hn::And(hn::Gt(difference, hn::Zero(d)), hn::Ge(hn::Mul(squared, curvature), hn::Mul(gain, bend)));
    at = hn::IfThenElse(is_better, slots, at);
    gain = hn::IfThenElse(is_better, squared, gain);
    curvature = hn::IfThenElse(is_better, bend, curvature);
  });
  double gains[kSmoLanes], slots[kSmoLanes];
  hn::StoreU(hn::Div(gain, curvature), d, gains);
  hn::StoreU(at, d, slots);
  for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) {
    const auto slot = static_cast<std::size_t>(slots[lane]);
    if (gains[lane] > best.gain || (gains[lane] == best.gain && slot > best.at)) best = {gains[lane], slot};
  }
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(update);
HWY_EXPORT(find_second);

void update_smo(const SmoClass& of_class, const float* a, const float* b, double delta, SmoExtremes& seen) {
  HWY_DYNAMIC_DISPATCH(update)(of_class, a, b, delta, seen);
}

void find_smo_second(const SmoClass& of_class, const float* row_up, double f_up, double diagonal_up, SmoSecond& best) {
  HWY_DYNAMIC_DISPATCH(find_second)(of_class, row_up, f_up, diagonal_up, best);
}

}  // namespace genrewise
#endif
