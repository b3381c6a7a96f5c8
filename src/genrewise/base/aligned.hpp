// Aligned memory for SIMD instructions and FFTs.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace genrewise {

inline constexpr std::size_t kAlignmentBytes = 64;  ///< the widest vector register, and a cache line

/// Allocator with 64-byte alignment.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(kAlignmentBytes)));
  }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, std::align_val_t(kAlignmentBytes)); }
  friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
};

/// A std::vector whose data starts on a 64-byte boundary.
template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

/// `count` floats rounded up to a multiple of 64 bytes (in floats): a row stride that keeps every row aligned.
constexpr std::size_t aligned_stride(std::size_t count) {
  constexpr std::size_t kFloats = kAlignmentBytes / sizeof(float);
  return (count + kFloats - 1) / kFloats * kFloats;
}

}  // namespace genrewise
