// Zip archives for tests.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace genrewise::testing {

inline std::uint32_t zip_checksum(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
  }
  return ~crc;
}

inline std::string zip_number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
  return text;
}

/// A zip of members that are stored without compression, as torch.save() writes it.
inline std::string write_zip(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string file, list;
  for (const auto& [name, content] : members) {
    const std::string common = zip_number(20, 2) + zip_number(0, 8) + zip_number(zip_checksum(content), 4) +
                               zip_number(content.size(), 4) + zip_number(content.size(), 4) +
                               zip_number(name.size(), 2) + zip_number(0, 2);
    list += "PK\x01\x02" + zip_number(20, 2) + common + zip_number(0, 10) + zip_number(file.size(), 4) + name;
    file += "PK\x03\x04" + common + name + content;
  }
  return file + list + "PK\x05\x06" + zip_number(0, 4) + zip_number(members.size(), 2) + zip_number(members.size(), 2) +
         zip_number(list.size(), 4) + zip_number(file.size(), 4) + zip_number(0, 2);
}

}  // namespace genrewise::testing
