// The checksum of TFRecord files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace genrewise {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of `bytes`, continued from `crc` (0 to start). If the processor
/// supports it (checked at run time), uses the crc32 instruction on three interleaved streams, combined by carry-less
/// multiplication (Gopal et al., Intel, 2011).
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0);

/// Copies `from` to `to` (large enough and not overlapping) and returns crc32c(from, crc), in one pass over the memory.
std::uint32_t copy_crc32c(std::span<const std::byte> from, std::byte* to, std::uint32_t crc = 0);

/// The same with tables (slicing-by-8, Kounavis and Berry, 2005), the fallback of crc32c().
std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t crc = 0);

/// The masked checksum that TFRecord stores: rotated, plus a constant, because checksums of data with embedded
/// checksums are weak.
std::uint32_t masked_crc32c(std::span<const std::byte> bytes);
std::uint32_t mask_crc32c(std::uint32_t crc);

}  // namespace genrewise
