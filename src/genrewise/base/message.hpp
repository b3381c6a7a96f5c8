// Messages between two processes of this program: a header (JSON) and numbers.
//
// A message is 16 bytes (magic "GWN" and the protocol version as one byte; length of the header, 4 bytes; number of
// floats, 8 bytes; little-endian), the header and the floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

struct Message {
  nlohmann::json header;       ///< an object with the key "type"
  std::vector<float> numbers;  ///< a table row by row, or any bytes (as_numbers())
  std::string type() const { return header.at("type").get<std::string>(); }
};

/// What a reader of messages accepts.
struct MessageLimits {
  std::string other = "the other program";  ///< its name, the `where` of errors
  std::uint8_t protocol = 1;
  std::uint32_t header_bytes = std::uint32_t{1} << 30;
  std::uint64_t numbers = std::uint64_t{1} << 40;
};

/// The bytes before the floats. Invalid UTF-8 is replaced.
std::string message_head(const nlohmann::json& header, std::size_t numbers, std::uint8_t protocol);

/// Fills its argument from a connection, or throws.
using ReadBytes = std::function<void(std::span<std::byte>)>;
/// Reads one message. Throws Error for malformed data, larger messages than allowed and another protocol version.
Message read_message(const ReadBytes& read, const MessageLimits& limits);

/// Any bytes as floats, and the reverse; the length is in the header. Throws Error for a length that is too large.
std::vector<float> as_numbers(std::string_view bytes);
std::string as_bytes(std::span<const float> numbers, std::size_t length);

}  // namespace genrewise
