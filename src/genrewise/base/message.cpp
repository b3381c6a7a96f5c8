#include "genrewise/base/message.hpp"

#include <bit>
#include <cstring>

#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "floats are sent in their memory layout");

struct Prefix {
  char magic[3] = {'G', 'W', 'N'};
  std::uint8_t protocol = 0;
  std::uint32_t header_bytes = 0;
  std::uint64_t numbers = 0;
};
static_assert(sizeof(Prefix) == 16);

[[noreturn]] void refuse(const std::string& problem, const std::string& other) {
  throw Error(problem, other, "use programs of the same installation");
}

}  // namespace

std::string message_head(const json& header, std::size_t numbers, std::uint8_t protocol) {
  const std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  Prefix prefix;
  prefix.protocol = protocol;
  prefix.header_bytes = static_cast<std::uint32_t>(text.size());
  prefix.numbers = numbers;
  std::string head(sizeof prefix, '\0');
  std::memcpy(head.data(), &prefix, sizeof prefix);
  return head + text;
}

Message read_message(const ReadBytes& read, const MessageLimits& limits) {
  Prefix prefix;
  read(std::as_writable_bytes(std::span(&prefix, 1)));
  if (std::string_view(prefix.magic, 3) != "GWN" || prefix.header_bytes > limits.header_bytes ||
      prefix.numbers > limits.numbers)
    refuse("the other program sent data that is not a message", limits.other);
  if (prefix.protocol != limits.protocol)
    refuse("the other program uses version " + std::to_string(prefix.protocol) + " of the protocol, and this one " +
               std::to_string(limits.protocol),
           limits.other);
  std::string text(prefix.header_bytes, '\0');
  read(std::as_writable_bytes(std::span(text)));
  Message message{try_parse_json(text), {}};
  if (!message.header.contains("type") || !message.header["type"].is_string())  // only objects contain
    refuse("the other program sent a message without a type", limits.other);
  message.numbers.resize(prefix.numbers);
  read(std::as_writable_bytes(std::span(message.numbers)));
  return message;
}

std::vector<float> as_numbers(std::string_view bytes) {
  std::vector<float> numbers((bytes.size() + sizeof(float) - 1) / sizeof(float));
  if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

std::string as_bytes(std::span<const float> numbers, std::size_t length) {
  if (length > numbers.size_bytes()) refuse("the other program sent less than it announced", {});
  return {reinterpret_cast<const char*>(numbers.data()), length};
}

}  // namespace genrewise
