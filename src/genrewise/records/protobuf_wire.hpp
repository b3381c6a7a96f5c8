// The parts of the protocol buffer encoding that records and event files need (protobuf.dev, "Encoding").
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace genrewise::wire {

static_assert(std::endian::native == std::endian::little, "floats are copied without conversion");

enum Type : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct Field {
  std::uint32_t number = 0;
  Type type = varint;
  std::uint64_t value = 0;          ///< for varint, fixed64 and fixed32
  std::span<const std::byte> body;  ///< for bytes
};

/// Iterates over the fields of one message. Every length is checked against the remaining bytes.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> message) : at_(message.data()), end_(at_ + message.size()) {}

  bool at_end() const { return at_ == end_; }
  const std::byte* position() const { return at_; }

  /// The next field; false for an invalid encoding (including groups, which are not used here).
  bool next(Field& field) {
    std::uint64_t tag = 0;
    if (!next_varint(tag) || tag > 0xffffffffu || tag < 8) return false;
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.type = static_cast<Type>(tag & 7);
    switch (field.type) {
      case varint:
        return next_varint(field.value);
      case fixed64:
        return next_fixed<std::uint64_t>(field.value);
      case fixed32:
        return next_fixed<std::uint32_t>(field.value);
      case bytes: {
        std::uint64_t length = 0;
        if (!next_varint(length) || length > static_cast<std::uint64_t>(end_ - at_)) return false;
        field.body = {at_, static_cast<std::size_t>(length)};
        at_ += length;
        return true;
      }
    }
    return false;
  }

  bool next_varint(std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && at_ < end_; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(*at_++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

 private:
  template <class T>
  bool next_fixed(std::uint64_t& value) {
    T raw = 0;
    if (static_cast<std::size_t>(end_ - at_) < sizeof raw) return false;
    std::memcpy(&raw, at_, sizeof raw);
    at_ += sizeof raw;
    value = raw;
    return true;
  }

  const std::byte *at_, *end_;
};

inline std::size_t varint_bytes(std::uint64_t value) {
  return value == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(value)) + 6) / 7;
}

inline void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

inline void put_tag(std::string& out, std::uint32_t number, Type type) {
  put_varint(out, number << 3 | type);
}

/// Tag and length of a field of `length` bytes, which the caller appends.
inline void put_length(std::string& out, std::uint32_t number, std::uint64_t length) {
  put_tag(out, number, bytes);
  put_varint(out, length);
}

inline void put_bytes(std::string& out, std::uint32_t number, std::string_view content) {
  put_length(out, number, content.size());
  out += content;
}

inline void put_uint(std::string& out, std::uint32_t number, std::uint64_t value) {
  put_tag(out, number, varint);
  put_varint(out, value);
}

template <class T>
void put_raw(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline void put_float(std::string& out, std::uint32_t number, float value) {
  put_tag(out, number, fixed32);
  put_raw(out, value);
}

inline void put_double(std::string& out, std::uint32_t number, double value) {
  put_tag(out, number, fixed64);
  put_raw(out, value);
}

}  // namespace genrewise::wire
