// Page-aligned buffers for reading files.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "genrewise/base/aligned.hpp"

namespace genrewise {

/// Page-aligned memory, in huge pages if it is large. When the kernel copies from the page cache to an address that is
/// 1 to about 31 bytes behind the source modulo the page size, the processor's string instruction runs at a quarter of
/// its speed (measured on AMD Zen 3 and 4); memory from new or malloc, 16 bytes behind a page boundary, is such an
/// address. Reading the byte at `offset` of a file to offset_in_page(offset) avoids that.
class PageBuffer {
 public:
  static constexpr std::size_t kPageBytes = 4096;

  PageBuffer() = default;
  explicit PageBuffer(std::size_t bytes)
      : memory_(static_cast<std::byte*>(::operator new[](bytes, alignment(bytes))), Free{bytes}), bytes_(bytes) {
    prefer_huge_pages(memory_.get(), bytes);
  }
  PageBuffer(PageBuffer&& other) noexcept : memory_(std::move(other.memory_)), bytes_(std::exchange(other.bytes_, 0)) {}
  PageBuffer& operator=(PageBuffer&& other) noexcept {
    memory_ = std::move(other.memory_);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }

  std::size_t size() const { return bytes_; }
  std::byte* data() { return memory_.get(); }
  std::span<std::byte> all() { return {memory_.get(), bytes_}; }
  std::span<const std::byte> all() const { return {memory_.get(), bytes_}; }

  /// The offset within its page of the byte at `offset` of a file: the position in the buffer to read it to.
  static std::size_t offset_in_page(std::uint64_t offset) { return static_cast<std::size_t>(offset % kPageBytes); }
  /// Makes the buffer at least `bytes` long; the content is lost if it has to grow.
  void reserve(std::size_t bytes) {
    if (bytes > bytes_) *this = PageBuffer(bytes);
  }
  /// Doubles the size, keeping the content.
  void grow() {
    PageBuffer larger(2 * bytes_);
    std::ranges::copy(all(), larger.data());
    *this = std::move(larger);
  }

 private:
  static std::align_val_t alignment(std::size_t bytes) {
    return std::align_val_t{bytes < kHugePageBytes ? kPageBytes : kHugePageBytes};
  }
  struct Free {
    std::size_t bytes;  // 0 in a default PageBuffer
    void operator()(std::byte* memory) const { ::operator delete[](memory, alignment(bytes)); }
  };
  std::unique_ptr<std::byte[], Free> memory_;
  std::size_t bytes_ = 0;
};

}  // namespace genrewise
