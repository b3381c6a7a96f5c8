// The compressed forms in which TensorFlow writes and reads whole record files.
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
/// "none", "gzip" or "zlib"; nothing for any other word.
std::optional<Compression> parse_compression(std::string_view text);

/// Compresses a stream piece by piece (gzip or zlib, level 6).
class Deflater {
 public:
  explicit Deflater(Compression compression);
  ~Deflater();
  /// Appends what is ready to `out`.
  void write(std::string_view bytes, std::string& out);
  /// Brings all that was written into `out` and forgets it: reading may begin behind this point with
  /// Inflater::raw(), while the whole remains one ordinary stream.
  void restart_point(std::string& out);
  void finish(std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Decompresses a stream piece by piece.
class Inflater {
 public:
  /// A stream from its first byte, gzip or zlib, told by its header. Several gzip members in a row are one stream.
  static Inflater whole();
  /// From a restart point on.
  static Inflater raw();
  Inflater(Inflater&&) noexcept;
  ~Inflater();

  enum class Status {
    more,    ///< input is used up, or output is full
    end,     ///< the stream is complete
    damaged  ///< it is no such stream, or its checksum is wrong
  };
  /// Uses input from the front of `in` (which then begins behind what was used) and fills the front of `out`
  /// (likewise).
  Status read(std::span<const std::byte>& in, std::span<std::byte>& out);

 private:
  explicit Inflater(int window_bits);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace genrewise
