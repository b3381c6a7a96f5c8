// Event files: what TensorBoard shows of a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "genrewise/records/append_file.hpp"

namespace genrewise {

/// An image of three channels, 8 bits each, row by row.
struct RgbImage {
  int width = 0, height = 0;
  std::span<const std::uint8_t> pixels;  ///< 3 * width * height
};

/// The image as a PNG file. Throws Error when the sizes do not fit together.
std::string encode_png(const RgbImage& image);

/// Writes one event file (records of tf.Event, "brain.Event:2") into a folder; each event is in the file when the call
/// returns, so a running training can be watched. A resumed run just opens another one in the same folder: TensorBoard
/// joins them by step.
class EventWriter {
 public:
  /// Makes the folder. The file is "events.out.tfevents.<seconds>.<host>.<process>.<number>". Throws Error.
  explicit EventWriter(const std::filesystem::path& folder);

  void add_scalar(std::string_view tag, std::int64_t step, float value);
  /// Markdown.
  void add_text(std::string_view tag, std::int64_t step, std::string_view text);
  void add_image(std::string_view tag, std::int64_t step, const RgbImage& image);

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void write_event(std::string_view payload);
  void write_summary(std::int64_t step, std::string_view value);

  AppendFile file_;
  std::string frame_;
};

}  // namespace genrewise
