#include "genrewise/records/crc32c.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define GENREWISE_CRC_X86 1
#endif

namespace genrewise {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78u;  // Castagnoli's, bits reversed: x^0 is the highest bit

// p(x) * x mod P in reversed bits.
constexpr std::uint32_t times_x(std::uint32_t p) {
  return (p >> 1) ^ ((p & 1) != 0 ? kPolynomial : 0);
}

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[k][b]: the sum of byte b followed by k zero bytes.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

std::uint64_t load_u64(const std::byte* at) {
  static_assert(std::endian::native == std::endian::little, "records are little-endian, so the machine must be");
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

#ifdef GENREWISE_CRC_X86

// x^n mod P, reversed.
constexpr std::uint32_t power_of_x(std::size_t n) {
  std::uint32_t p = 0x80000000u;
  for (std::size_t i = 0; i < n; ++i) p = times_x(p);
  return p;
}

// Multiplying a state by this and reducing it moves the state past n bytes: the product of two reversed polynomials is
// short of one bit (a factor x), and the crc32 instruction that reduces it multiplies by x^32.
constexpr std::uint64_t shift_factor(std::size_t n) {
  return power_of_x(8 * n - 33);
}

__attribute__((target("sse4.2,pclmul"))) inline std::uint64_t shifted(std::uint64_t crc, std::uint64_t factor) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(crc)),
                                               _mm_cvtsi64_si128(static_cast<long long>(factor)), 0);
  return _mm_crc32_u64(0, static_cast<std::uint64_t>(_mm_cvtsi128_si64(product)));
}

// The remaining input and (kCopy) its destination.
struct Cursor {
  const std::byte* from;
  std::byte* to;
  std::size_t left;

  void advance(std::size_t bytes) {
    from += bytes;
    if (to != nullptr) to += bytes;
    left -= bytes;
  }
};

// The instruction has a latency of three cycles but starts every cycle, so three lanes of kLane bytes run in parallel.
// Copies use pieces of fixed size, for which the compiler emits plain loads and stores; string instructions are slow at
// some offsets (see PageBuffer).
template <std::size_t kLane, bool kCopy>
__attribute__((target("sse4.2,pclmul"))) inline std::uint64_t three_lanes(Cursor& cursor, std::uint64_t crc) {
  constexpr std::uint64_t kPastOne = shift_factor(kLane), kPastTwo = shift_factor(2 * kLane);
  constexpr std::size_t kPiece = 32;
  for (; cursor.left >= 3 * kLane; cursor.advance(3 * kLane)) {
    const std::byte* at = cursor.from;
    std::uint64_t a = crc, b = 0, c = 0;
    for (std::size_t i = 0; i < kLane; i += kPiece) {
      if constexpr (kCopy) {
        for (std::size_t lane = 0; lane < 3; ++lane)
          std::memcpy(cursor.to + lane * kLane + i, at + lane * kLane + i, kPiece);
      }
      for (std::size_t k = i; k < i + kPiece; k += 8) {
        a = _mm_crc32_u64(a, load_u64(at + k));
        b = _mm_crc32_u64(b, load_u64(at + kLane + k));
        c = _mm_crc32_u64(c, load_u64(at + 2 * kLane + k));
      }
    }
    crc = shifted(a, kPastTwo) ^ shifted(b, kPastOne) ^ c;
  }
  return crc;
}

template <bool kCopy>
__attribute__((target("sse4.2,pclmul"))) std::uint32_t crc32c_by_instruction(Cursor cursor, std::uint32_t start) {
  std::uint64_t crc = ~start;
  crc = three_lanes<2048, kCopy>(cursor, crc);
  crc = three_lanes<128, kCopy>(cursor, crc);
  for (; cursor.left >= 8; cursor.advance(8)) {
    crc = _mm_crc32_u64(crc, load_u64(cursor.from));
    if constexpr (kCopy) std::memcpy(cursor.to, cursor.from, 8);
  }
  auto state = static_cast<std::uint32_t>(crc);
  for (; cursor.left > 0; cursor.advance(1)) {
    state = _mm_crc32_u8(state, static_cast<unsigned char>(*cursor.from));
    if constexpr (kCopy) *cursor.to = *cursor.from;
  }
  return ~state;
}

bool is_in_hardware() {
  static const bool yes = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
  return yes;
}

#endif

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc) {
#ifdef GENREWISE_CRC_X86
  if (is_in_hardware()) return crc32c_by_instruction<false>({bytes.data(), nullptr, bytes.size()}, crc);
#endif
  return crc32c_by_table(bytes, crc);
}

std::uint32_t copy_crc32c(std::span<const std::byte> from, std::byte* to, std::uint32_t crc) {
#ifdef GENREWISE_CRC_X86
  if (is_in_hardware()) return crc32c_by_instruction<true>({from.data(), to, from.size()}, crc);
#endif
  std::ranges::copy(from, to);
  return crc32c_by_table(from, crc);
}

std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t crc) {
  crc = ~crc;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    const std::uint64_t word = load_u64(at) ^ crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (; left > 0; ++at, --left) crc = (crc >> 8) ^ kTables[0][(crc ^ std::to_integer<std::uint32_t>(*at)) & 0xff];
  return ~crc;
}

std::uint32_t masked_crc32c(std::span<const std::byte> bytes) {
  return mask_crc32c(crc32c(bytes));
}

std::uint32_t mask_crc32c(std::uint32_t crc) {
  return std::rotr(crc, 15) + 0xa282ead8u;
}

}  // namespace genrewise
