#include "genrewise/records/event_file.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>

#include "genrewise/base/error.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/protobuf_wire.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::filesystem::path new_event_path(const std::filesystem::path& folder) {
  static std::atomic<int> files{0};  // one process may create several files in one second
  make_folders(folder);
  char host[256] = "localhost";
  if (::gethostname(host, sizeof host) != 0) host[0] = '\0';
  host[sizeof host - 1] = '\0';
  return folder / ("events.out.tfevents." + std::to_string(static_cast<long long>(seconds_since_1970())) + "." + host +
                   "." + std::to_string(::getpid()) + "." + std::to_string(files++));
}

// tensorflow/core/util/event.proto and framework/summary.proto: the numbers of the fields that are used.
constexpr std::uint32_t kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5;  // Event
constexpr std::uint32_t kValue = 1;                                                // Summary
constexpr std::uint32_t kTag = 1, kSimpleValue = 2;                                // Summary.Value

}  // namespace

EventWriter::EventWriter(const std::filesystem::path& folder) : file_(new_event_path(folder)) {
  std::string payload;
  wire::put_double(payload, kWallTime, seconds_since_1970());
  wire::put_bytes(payload, kFileVersion, "brain.Event:2");
  write_event(payload);
}

void EventWriter::write_event(std::string_view payload) {
  make_frame(payload, frame_);
  file_.write(frame_);
}

void EventWriter::add_scalar(std::string_view tag, std::int64_t step, float number) {
  std::string value, summary, payload;
  wire::put_bytes(value, kTag, tag);
  wire::put_float(value, kSimpleValue, number);
  wire::put_bytes(summary, kValue, value);
  wire::put_double(payload, kWallTime, seconds_since_1970());
  wire::put_uint(payload, kStep, static_cast<std::uint64_t>(step));
  wire::put_bytes(payload, kSummary, summary);
  write_event(payload);
}

}  // namespace genrewise
