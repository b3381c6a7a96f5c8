// Aligned memory for SIMD instructions and FFTs, and large memory in huge pages.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
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

inline constexpr std::size_t kHugePageBytes = 2 << 20;

/// Asks for huge pages in memory that was not used yet: filling it then costs one page fault per 2 MiB, not 512.
inline void prefer_huge_pages(void* memory, std::size_t bytes) {
  const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(memory), size = kHugePageBytes;
  const std::uintptr_t begin = (first + size - 1) / size * size, end = (first + bytes) / size * size;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a failure changes nothing
}

/// An empty vector with space for `count` values, in huge pages if it is large.
template <class T>
std::vector<T> reserved_vector(std::size_t count) {
  std::vector<T> values;
  values.reserve(count);
  prefer_huge_pages(values.data(), count * sizeof(T));
  return values;
}

}  // namespace genrewise
