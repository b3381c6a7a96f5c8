#include "genrewise/features/npy.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <optional>
#include <utility>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

static_assert(std::endian::native == std::endian::little, "values are read and written without conversion");

constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
constexpr std::size_t kAlignment = 64;

// Value after "'key':" in the header's dictionary.
std::string_view entry(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) return {};
  std::string_view rest = header.substr(at + key.size() + 3);
  return rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
}

bool parse_size(std::string_view& text, std::size_t& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  text.remove_prefix(std::min(text.find_first_not_of(", "), text.size()));
  return true;
}

/// Rows and columns; empty for another shape or order.
std::optional<std::pair<std::size_t, std::size_t>> shape_of(std::string_view header) {
  std::string_view text = entry(header, "shape");
  std::size_t rows = 0, cols = 0;
  if (!entry(header, "fortran_order").starts_with("False") || !text.starts_with('(')) return std::nullopt;
  text.remove_prefix(1);
  if (!parse_size(text, rows) || !parse_size(text, cols) || !text.starts_with(')')) return std::nullopt;
  return std::pair(rows, cols);
}

}  // namespace

std::string npy_header(std::size_t rows, std::size_t cols) {
  std::string dictionary = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, cols);
  const std::size_t used = kMagic.size() + 2 + dictionary.size() + 1;
  dictionary.append((kAlignment - used % kAlignment) % kAlignment, ' ');
  dictionary += '\n';
  std::string header(kMagic);
  header += static_cast<char>(dictionary.size() & 0xff);
  header += static_cast<char>(dictionary.size() >> 8);
  return header + dictionary;
}

bool is_npy(std::string_view bytes) {
  return bytes.starts_with(kMagic);
}

std::size_t npy_header_bytes(std::string_view bytes) {
  const std::size_t start = kMagic.size() + 2;
  if (bytes.size() < start) return 0;
  const auto length_at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
  const std::size_t end = start + length_at(kMagic.size()) + 256 * length_at(kMagic.size() + 1);
  return end > bytes.size() ? 0 : end;
}

std::size_t npy_columns(std::string_view header) {
  if (const auto shape = shape_of(header)) return shape->second;
  throw Error("has another shape than a table", ".npy", "extract the features again");
}

NpyLayout parse_npy(std::string_view start, std::uint64_t file_bytes, const std::string& name) {
  const Error not_readable("is not a .npy file of a two-dimensional float32 or float64 array in C order", name,
                           "save it with numpy.save(path, array.astype('float32'))");
  const std::size_t length = is_npy(start) ? npy_header_bytes(start) : 0;
  if (length == 0) throw not_readable;
  const std::string_view header = start.substr(0, length);

  const std::string_view type = entry(header, "descr");
  const std::size_t value_bytes = type.starts_with("'<f4'") ? 4U : type.starts_with("'<f8'") ? 8U : 0U;
  const auto shape = shape_of(header);
  if (value_bytes == 0 || !shape) throw not_readable;
  const NpyLayout array{.rows = shape->first, .cols = shape->second, .value_bytes = value_bytes, .offset = length};
  const std::uint64_t bytes = file_bytes - array.offset, row_bytes = array.cols * array.value_bytes;
  const bool fits = row_bytes == 0 ? bytes == 0 : bytes / row_bytes == array.rows && bytes % row_bytes == 0;
  if (!fits) {
    throw Error(fmt::format("contains {} bytes of values, but its header announces {} x {} values of {} bytes", bytes,
                            array.rows, array.cols, array.value_bytes),
                name, "the file is truncated or damaged: create it again");
  }
  return array;
}

}  // namespace genrewise
