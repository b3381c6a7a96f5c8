#include "genrewise/records/compression.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzip = 16, kGzipOrZlib = 32;  // added to the window bits to select the format

unsigned piece_of(std::size_t bytes) {
  return static_cast<unsigned>(std::min<std::size_t>(bytes, std::numeric_limits<unsigned>::max()));
}

}  // namespace

std::string_view to_string(Compression compression) {
  static constexpr std::string_view names[] = {"none", "gzip", "zlib"};
  return names[static_cast<std::size_t>(compression)];
}

std::optional<Compression> parse_compression(std::string_view text) {
  for (const auto compression : {Compression::none, Compression::gzip, Compression::zlib})
    if (text == to_string(compression)) return compression;
  return std::nullopt;
}

struct Deflater::State {
  z_stream stream{};
  ~State() { deflateEnd(&stream); }

  void run(int flush, std::string& out) {
    char piece[1 << 16];
    do {
      stream.next_out = reinterpret_cast<Bytef*>(piece);
      stream.avail_out = sizeof piece;
      deflate(&stream, flush);
      out.append(piece, sizeof piece - stream.avail_out);
    } while (stream.avail_out == 0);
  }
};

Deflater::Deflater(Compression compression) : state_(std::make_unique<State>()) {
  const int bits = kWindowBits + (compression == Compression::gzip ? kGzip : 0);
  if (deflateInit2(&state_->stream, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw Error("the compression cannot be started", "zlib", "free some memory, then try again");
}

Deflater::~Deflater() = default;

void Deflater::write(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    const unsigned size = piece_of(bytes.size());
    state_->stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    state_->stream.avail_in = size;
    state_->run(Z_NO_FLUSH, out);
    bytes.remove_prefix(size);
  }
}

void Deflater::restart_point(std::string& out) {
  state_->run(Z_FULL_FLUSH, out);
}

void Deflater::finish(std::string& out) {
  state_->run(Z_FINISH, out);
}

struct Inflater::State {
  z_stream stream{};
  bool raw = false, ended = false;
  ~State() { inflateEnd(&stream); }
};

Inflater::Inflater(int window_bits) : state_(std::make_unique<State>()) {
  if (inflateInit2(&state_->stream, window_bits) != Z_OK)
    throw Error("the decompression cannot be started", "zlib", "free some memory, then try again");
}

Inflater Inflater::whole() {
  return Inflater(kWindowBits + kGzipOrZlib);
}

Inflater Inflater::raw() {
  Inflater inflater(-kWindowBits);
  inflater.state_->raw = true;
  return inflater;
}

Inflater::Inflater(Inflater&&) noexcept = default;
Inflater::~Inflater() = default;

Inflater::Status Inflater::read(std::span<const std::byte>& in, std::span<std::byte>& out) {
  z_stream& stream = state_->stream;
  while (!out.empty()) {
    if (state_->ended) {
      if (in.empty() || state_->raw) return Status::end;
      // Another member of the stream; inflate() fails if it is not one.
      if (inflateReset(&stream) != Z_OK) return Status::damaged;
      state_->ended = false;
    }
    const unsigned offered = piece_of(in.size()), capacity = piece_of(out.size());
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    stream.avail_in = offered;
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = capacity;
    const int code = inflate(&stream, Z_NO_FLUSH);
    in = in.subspan(offered - stream.avail_in);
    out = out.subspan(capacity - stream.avail_out);
    if (code == Z_STREAM_END) {
      state_->ended = true;
    } else if (code == Z_BUF_ERROR) {
      return Status::more;  // no progress without more input
    } else if (code != Z_OK) {
      return Status::damaged;
    }
  }
  return state_->ended && in.empty() ? Status::end : Status::more;
}

}  // namespace genrewise
