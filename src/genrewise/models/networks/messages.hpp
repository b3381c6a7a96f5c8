// Messages between a process that uses networks and genrewise-neural (docs/training.md, "Two programs").
//
// A message is 16 bytes (magic "GWN" and the protocol version as one byte; length of the header, 4 bytes; number of
// floats, 8 bytes; little-endian), the header (JSON) and the floats.
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

inline constexpr std::uint8_t kNeuralProtocol = 2;

struct NeuralMessage {
  nlohmann::json header;       ///< an object with the key "type"
  std::vector<float> numbers;  ///< a table row by row, or any bytes (as_numbers())
  std::string type() const { return header.at("type").get<std::string>(); }
};

/// The bytes before the floats. Invalid UTF-8 is replaced.
std::string message_head(const nlohmann::json& header, std::size_t numbers);

/// Fills its argument from a connection, or throws.
using ReadBytes = std::function<void(std::span<std::byte>)>;
/// Reads one message. Throws Error for malformed data or another protocol version.
NeuralMessage read_message(const ReadBytes& read);

/// Any bytes as floats, and the reverse; the length is in the header.
std::vector<float> as_numbers(std::string_view bytes);
std::string as_bytes(std::span<const float> numbers, std::size_t length);

/// An exception as a message of type "error", and the reverse: Interrupted, UnknownName and Error (with what, where and
/// remedy) keep their type, any other arrives as an Error.
nlohmann::json error_message(const std::exception& problem);
[[noreturn]] void throw_error_message(const nlohmann::json& header);

}  // namespace genrewise
