// Memory for vector instructions and FFTs.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace genrewise {

inline constexpr std::size_t kAlignmentBytes = 64;

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

/// A std::vector whose first element lies on a 64-byte border.
template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

/// The smallest multiple of 64 bytes that holds `count` floats: a row stride that keeps every row aligned.
constexpr std::size_t aligned_stride(std::size_t count) {
  constexpr std::size_t kFloats = kAlignmentBytes / sizeof(float);
  return (count + kFloats - 1) / kFloats * kFloats;
}

}  // namespace genrewise
