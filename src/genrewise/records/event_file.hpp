// Event files: what TensorBoard shows of a run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "genrewise/storage/append_file.hpp"

namespace genrewise {

/// Writes one event file (records of tf.Event, "brain.Event:2") into a folder; each event is in the file when the call
/// returns, so a running training can be watched. A resumed run just opens another one in the same folder: TensorBoard
/// joins them by step.
class EventWriter {
 public:
  /// Makes the folder. The file is "events.out.tfevents.<seconds>.<host>.<process>.<number>". Throws Error.
  explicit EventWriter(const std::filesystem::path& folder);

  void add_scalar(std::string_view tag, std::int64_t step, float value);

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void write_event(std::string_view payload);

  AppendFile file_;
  std::string frame_;
};

}  // namespace genrewise
