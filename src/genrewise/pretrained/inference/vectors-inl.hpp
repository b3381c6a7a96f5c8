// What the sources with kernels share; each includes it once for each instruction set. Private to this folder.
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>

#include "genrewise/pretrained/inference/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Panels and groups of channels of an odd number of octets use vectors of at most one octet.
using Wide = hn::CappedTag<float, 2 * kOctet>;
using Narrow = hn::CappedTag<float, kOctet>;
template <std::size_t kOctets>
using TagFor = std::conditional_t<kOctets % 2 == 0, Wide, Narrow>;
template <class D>
inline constexpr std::size_t kLanesOf = hn::MaxLanes(D());

template <class D>
HWY_INLINE hn::Vec<D> activate(D d, hn::Vec<D> value, const Activation& activation) {
  if (activation.hard_swish) {
    const auto gate = hn::Min(hn::Max(hn::Add(value, hn::Set(d, 3.0f)), hn::Zero(d)), hn::Set(d, 6.0f));
    return hn::Mul(hn::Mul(value, gate), hn::Set(d, 1.0f / 6));
  }
  return hn::Min(hn::Max(value, hn::Set(d, activation.low)), hn::Set(d, activation.high));
}

/// Calls body(first, count) for blocks of at most `most` rows of nearly equal size: a last block of one row would leave
/// most of the arithmetic units idle.
template <class Body>
HWY_INLINE void for_row_blocks(std::size_t first, std::size_t rows, std::size_t most, const Body& body) {
  const std::size_t blocks = (rows + most - 1) / most;
  if (blocks == 0) return;
  const std::size_t each = rows / blocks, larger = rows % blocks;
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::size_t count = each + (i < larger ? 1 : 0);
    body(first, count);
    first += count;
  }
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
