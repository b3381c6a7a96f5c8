#include "genrewise/models/classical/sort_few.hpp"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/models/classical/sort_few.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void sort_few(std::int32_t* keys, std::size_t count) {
  const hn::ScalableTag<std::int32_t> d;
  const std::size_t lanes = hn::Lanes(d), padded = (count + lanes - 1) / lanes * lanes;
  std::fill(keys + count, keys + padded, std::numeric_limits<std::int32_t>::max());
  HWY_ALIGN std::int32_t position[kMostSortedFew];
  for (std::size_t i = 0; i < padded; i += lanes) {
    const auto here = hn::LoadU(d, keys + i);
    auto smaller = hn::Zero(d);
    for (std::size_t j = 0; j < count; ++j)
      smaller = hn::Sub(smaller, hn::VecFromMask(d, hn::Lt(hn::Set(d, keys[j]), here)));
    hn::Store(smaller, d, position + i);
  }
  std::int32_t sorted[kMostSortedFew];
  for (std::size_t i = 0; i < count; ++i) sorted[position[i]] = keys[i];
  std::copy_n(sorted, count, keys);
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(sort_few);

void sort_few(std::int32_t* keys, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(sort_few)(keys, count);
}

}  // namespace genrewise
#endif
