#include <zlib.h>

#include "genrewise/base/error.hpp"
#include "genrewise/records/event_file.hpp"

namespace genrewise {
namespace {

void put_big_endian(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

void put_chunk(std::string& png, std::string_view type, std::string_view content) {
  put_big_endian(png, static_cast<std::uint32_t>(content.size()));
  const std::size_t start = png.size();
  png += type;
  png += content;
  const auto* bytes = reinterpret_cast<const Bytef*>(png.data() + start);
  put_big_endian(png, static_cast<std::uint32_t>(crc32(0, bytes, static_cast<uInt>(png.size() - start))));
}

}  // namespace

// Portable Network Graphics, W3C: signature, IHDR, one IDAT (each row behind filter type 0), IEND.
std::string encode_png(const RgbImage& image) {
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  if (image.width < 1 || image.height < 1 || image.pixels.size() != 3 * width * height) {
    throw Error("an image needs 3 bytes for each of its pixels", std::to_string(image.width) + " x " +
                                                                     std::to_string(image.height) + " pixels, " +
                                                                     std::to_string(image.pixels.size()) + " bytes");
  }
  std::string rows;
  for (std::size_t y = 0; y < height; ++y) {
    rows += '\0';
    const auto row = image.pixels.subspan(3 * width * y, 3 * width);
    rows.append(reinterpret_cast<const char*>(row.data()), row.size());
  }
  uLongf packed_bytes = compressBound(rows.size());
  std::string packed(packed_bytes, '\0');
  if (compress(reinterpret_cast<Bytef*>(packed.data()), &packed_bytes, reinterpret_cast<const Bytef*>(rows.data()),
               rows.size()) != Z_OK) {
    throw Error("zlib cannot compress an image", {}, "free some memory");
  }
  packed.resize(packed_bytes);

  std::string png = "\x89PNG\r\n\x1a\n", head;
  put_big_endian(head, static_cast<std::uint32_t>(width));
  put_big_endian(head, static_cast<std::uint32_t>(height));
  head += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bits, RGB, deflate, adaptive filters, not interlaced
  put_chunk(png, "IHDR", head);
  put_chunk(png, "IDAT", packed);
  put_chunk(png, "IEND", "");
  return png;
}

}  // namespace genrewise
