#include "genrewise/features/npy.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>

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

NpyLayout parse_npy(std::string_view start, std::uint64_t file_bytes, const std::string& name) {
  const Error not_readable("is not a .npy file of a two-dimensional float32 or float64 array in C order", name,
                           "save it with numpy.save(path, array.astype('float32'))");
  if (!start.starts_with(kMagic) || start.size() < kMagic.size() + 2) throw not_readable;
  const auto length_at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(start[i])); };
  const std::size_t begin = kMagic.size() + 2;
  const std::size_t length = length_at(kMagic.size()) + 256 * length_at(kMagic.size() + 1);
  if (length > start.size() - begin) throw not_readable;
  const std::string_view header = start.substr(begin, length);

  const std::string_view type = entry(header, "descr");
  NpyLayout array{.value_bytes = type.starts_with("'<f4'")   ? 4U
                                 : type.starts_with("'<f8'") ? 8U
                                                             : 0U,
                  .offset = begin + length};
  std::string_view shape = entry(header, "shape");
  if (array.value_bytes == 0 || !entry(header, "fortran_order").starts_with("False") || !shape.starts_with('('))
    throw not_readable;
  shape.remove_prefix(1);
  if (!parse_size(shape, array.rows) || !parse_size(shape, array.cols) || !shape.starts_with(')')) throw not_readable;
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
