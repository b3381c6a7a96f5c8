// The compression formats of TensorFlow's record files (whole-file gzip and zlib).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace genrewise {

enum class Compression { none, gzip, zlib };
std::string_view to_string(Compression compression);
/// Parses "none", "gzip" or "zlib"; nothing for other texts.
std::optional<Compression> parse_compression(std::string_view text);

/// Incremental compression (gzip or zlib, level 6); appends available output to `out`. Throws Error if zlib cannot be
/// initialised.
class Deflater {
 public:
  explicit Deflater(Compression compression);
  ~Deflater();
  void write(std::string_view bytes, std::string& out);
  /// Flushes all input to `out` and resets the compression state: decompression can start after this point with
  /// Inflater::raw(), while the whole remains one ordinary stream.
  void restart_point(std::string& out);
  void finish(std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Inflater {
 public:
  /// For a stream from its first byte; detects gzip or zlib by the header. Concatenated gzip members are one stream.
  static Inflater whole();
  /// For a stream from a restart point on.
  static Inflater raw();
  Inflater(Inflater&&) noexcept;
  ~Inflater();

  enum class Status {
    more,    ///< the input is used up or the output is full
    end,     ///< the stream is complete
    damaged  ///< not such a stream, or a wrong checksum
  };
  /// Consumes input from the front of `in` and writes to the front of `out`; both spans are advanced.
  Status read(std::span<const std::byte>& in, std::span<std::byte>& out);

 private:
  explicit Inflater(int window_bits);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace genrewise
