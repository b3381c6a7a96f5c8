#include "genrewise/records/page_buffer.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace genrewise {
namespace {
constexpr std::align_val_t kOnPage{PageBuffer::kPageBytes};
}

void PageBuffer::Free::operator()(std::byte* memory) const {
  ::operator delete[](memory, kOnPage);
}

PageBuffer::PageBuffer(std::size_t bytes)
    : memory_(static_cast<std::byte*>(::operator new[](bytes, kOnPage))), bytes_(bytes) {}

void PageBuffer::reserve(std::size_t bytes) {
  if (bytes > bytes_) *this = PageBuffer(bytes);
}

void PageBuffer::grow() {
  PageBuffer larger(2 * bytes_);
  std::ranges::copy(all(), larger.data());
  *this = std::move(larger);
}

}  // namespace genrewise
