#include "genrewise/models/networks/messages.hpp"

#include <bit>
#include <cstring>
#include <new>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "floats are sent in their memory layout");

struct Prefix {
  char magic[3] = {'G', 'W', 'N'};
  std::uint8_t version = kNeuralProtocol;
  std::uint32_t header_bytes = 0;
  std::uint64_t numbers = 0;
};
static_assert(sizeof(Prefix) == 16);

constexpr std::uint32_t kMostHeaderBytes = std::uint32_t{1} << 30;
constexpr std::uint64_t kMostNumbers = std::uint64_t{1} << 40;

[[noreturn]] void refuse(const std::string& problem) {
  throw Error(problem, "genrewise-neural", "use genrewise and genrewise-neural of the same installation");
}

}  // namespace

std::string message_head(const json& header, std::size_t numbers) {
  const std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  Prefix prefix;
  prefix.header_bytes = static_cast<std::uint32_t>(text.size());
  prefix.numbers = numbers;
  std::string head(sizeof prefix, '\0');
  std::memcpy(head.data(), &prefix, sizeof prefix);
  return head + text;
}

NeuralMessage read_message(const ReadBytes& read) {
  Prefix prefix;
  read(std::as_writable_bytes(std::span(&prefix, 1)));
  if (std::string_view(prefix.magic, 3) != "GWN" || prefix.header_bytes > kMostHeaderBytes ||
      prefix.numbers > kMostNumbers)
    refuse("the other program sent data that is not a message");
  if (prefix.version != kNeuralProtocol)
    refuse("the other program uses version " + std::to_string(prefix.version) + " of the protocol, and this one " +
           std::to_string(kNeuralProtocol));
  std::string text(prefix.header_bytes, '\0');
  read(std::as_writable_bytes(std::span(text)));
  NeuralMessage message{json::parse(text, nullptr, false), {}};
  if (!message.header.is_object() || !message.header.contains("type") || !message.header["type"].is_string())
    refuse("the other program sent a message without a type");
  message.numbers.resize(prefix.numbers);
  read(std::as_writable_bytes(std::span(message.numbers)));
  return message;
}

std::vector<float> as_numbers(std::string_view bytes) {
  std::vector<float> numbers((bytes.size() + sizeof(float) - 1) / sizeof(float));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

std::string as_bytes(std::span<const float> numbers, std::size_t length) {
  if (length > numbers.size_bytes()) refuse("the other program sent less than it announced");
  return {reinterpret_cast<const char*>(numbers.data()), length};
}

json error_message(const std::exception& problem) {
  json header = {{"type", "error"}, {"kind", "error"}, {"problem", problem.what()}, {"where", ""}, {"remedy", ""}};
  if (const auto* error = dynamic_cast<const Error*>(&problem)) {
    header["problem"] = error->problem();
    header["where"] = error->where();
    header["remedy"] = error->remedy();
  }
  if (dynamic_cast<const Interrupted*>(&problem) != nullptr) header["kind"] = "interrupted";
  if (dynamic_cast<const UnknownName*>(&problem) != nullptr) header["kind"] = "unknown name";
  if (dynamic_cast<const std::bad_alloc*>(&problem) != nullptr) {
    header["problem"] = "not enough memory";
    header["remedy"] = "use less data or a smaller network, or close other programs";
  }
  return header;
}

void throw_error_message(const json& header) {
  const std::string kind = header.value("kind", ""), problem = header.value("problem", "failed"),
                    where = header.value("where", ""), remedy = header.value("remedy", "");
  if (kind == "interrupted") throw Interrupted();
  if (kind == "unknown name") throw UnknownName(problem, where, remedy);
  throw Error(problem, where, remedy);
}

}  // namespace genrewise
