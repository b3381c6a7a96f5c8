// Event files for TensorBoard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "genrewise/storage/local_files.hpp"

namespace genrewise {

/// Writes one event file (records of tf.Event, "brain.Event:2") to a folder. Each event is in the file when the call
/// returns, so training can be monitored while it runs. A resumed run opens another file in the same folder;
/// TensorBoard merges them by step.
class EventWriter {
 public:
  /// Creates the folder and the file `events.out.tfevents.SECONDS.HOST.PROCESS.NUMBER` in it. Throws Error.
  explicit EventWriter(const std::filesystem::path& folder);

  /// Appends one point of the curve `tag`. Throws Error.
  void add_scalar(std::string_view tag, std::int64_t step, float value);

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void write_event(std::string_view payload);

  AppendFile file_;
  std::string frame_;
};

}  // namespace genrewise
