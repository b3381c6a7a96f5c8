// The checksum of TFRecord files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace genrewise {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of `bytes`, continued from `crc` (0 to begin). Uses the processor's
/// crc32 instruction on three interleaved streams, joined by carry-less products (Gopal et al., Intel, 2011), where it
/// has them; which way is taken is decided when the program runs.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0);

/// Copies `from` to `to`, which must have room for it and lie elsewhere, and returns crc32c(from, crc): one way through
/// the memory instead of two.
std::uint32_t copy_crc32c(std::span<const std::byte> from, std::byte* to, std::uint32_t crc = 0);

/// The same sum by tables (eight bytes a step, Kounavis and Berry, 2005): what crc32c() falls back on.
std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t crc = 0);

/// True when crc32c() runs on the processor's instructions.
bool crc32c_is_in_hardware();

/// The form in which TFRecord stores a sum: rotated and shifted, because sums of data that hold sums are poor.
std::uint32_t masked_crc32c(std::span<const std::byte> bytes);
std::uint32_t mask_crc32c(std::uint32_t crc);

}  // namespace genrewise
