#include "genrewise/audio/decode.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/audio/ffmpeg_reader.hpp"
#include "genrewise/audio/mp3_reader.hpp"
#include "genrewise/audio/resample.hpp"
#include "genrewise/audio/track_reader.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise {
namespace {

using audio::ByteSource;
using audio::ReadResult;
using audio::TrackReader;

// Headers round, and one or two frames at the end are often missing; a larger shortfall is a truncated file.
constexpr double kShortfallSeconds = 0.15;
// Limit of memory reserved before decoding, because headers may state a wrong length.
constexpr std::int64_t kMaxReservedSamples = std::int64_t{1} << 24;

// Extra capacity for the frame that reaches beyond the window.
constexpr std::int64_t kMaxFrameSamples = 8192;

struct Window {
  std::int64_t start = 0;
  std::int64_t count = std::numeric_limits<std::int64_t>::max();  // to the end

  std::int64_t end() const { return start + std::min(count, std::numeric_limits<std::int64_t>::max() - start); }
};

void check_options(const DecodeOptions& options) {
  const ClipRequest& clip = options.clip;
  if (clip.start_s && !(*clip.start_s >= 0 && std::isfinite(*clip.start_s))) {
    throw Error("a clip cannot start at " + std::to_string(*clip.start_s) + " s", "clip",
                "give a start of 0 s or more");
  }
  if (!(clip.duration_s > 0)) {
    throw Error("a clip cannot last " + std::to_string(clip.duration_s) + " s", "clip", "give a duration above 0 s");
  }
  if (!(clip.slack_s >= 0)) {
    throw Error("the slack of a clip cannot be " + std::to_string(clip.slack_s) + " s", "clip",
                "give a slack of 0 s or more");
  }
  if (options.sample_rate_hz && *options.sample_rate_hz < 1) {
    throw Error("a sample rate of " + std::to_string(*options.sample_rate_hz) + " Hz is not possible", "clip",
                "give a rate of 1 Hz or more");
  }
}

Window resolve_window(const ClipRequest& clip, TrackReader& reader) {
  const double rate = reader.sample_rate_hz();
  const auto samples = [&](double seconds) {
    constexpr double kMaxSamples = 1e15;  // 700 years
    return std::llround(std::min(kMaxSamples, seconds * rate));
  };
  Window window;
  if (std::isfinite(clip.duration_s)) window.count = std::max<std::int64_t>(1, samples(clip.duration_s));
  if (clip.start_s) {
    window.start = samples(*clip.start_s);
  } else if (std::isfinite(clip.duration_s)) {
    const std::int64_t length = reader.length().value_or(0);
    if (length <= samples(clip.duration_s + clip.slack_s)) return {};
    window.start = (length - window.count) / 2;
  }
  return window;
}

// A file that starts with MP3 frames is decoded by mpg123; frames after other bytes only if FFmpeg finds no other
// format. (FFmpeg decodes layers I and II, because libmpg123 1.31 prints to stderr for damaged ones in spite of its
// flags.)
Expected<std::unique_ptr<TrackReader>> open_reader(ByteSource& source, const std::string& name) {
  const auto at_start = audio::find_mpeg_audio(source, audio::MpegSearch::at_start);
  if (at_start && at_start->first.layer == 3) {
    if (auto reader = audio::open_mp3(source, *at_start)) return reader;
  }
  auto other = audio::open_ffmpeg(source, name);
  if (at_start || (other && (*other)->format() != "mp3")) return other;
  const auto behind = audio::find_mpeg_audio(source, audio::MpegSearch::behind_junk);
  if (behind && behind->first.layer == 3) {
    if (auto reader = audio::open_mp3(source, *behind)) return reader;
  }
  return other;
}

std::string seconds(double samples, int rate_hz) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", samples / rate_hz);
  return text;
}

// Infinite and NaN have all exponent bits set. A maximum of integers is vectorised; a loop over std::isfinite is not.
bool all_finite(std::span<const float> samples) {
  std::uint32_t largest = 0;
  for (const float sample : samples) largest = std::max(largest, std::bit_cast<std::uint32_t>(sample) & 0x7fffffffu);
  return largest < 0x7f800000u;
}

class ClipDecoder {
 public:
  ClipDecoder(TrackReader& reader, const std::string& name) : reader_(reader), name_(name) {}

  Expected<Waveform> decode(const DecodeOptions& options) {
    const Window window = resolve_window(options.clip, reader_);
    Waveform wave;
    wave.sample_rate_hz = reader_.sample_rate_hz();
    if (auto read = read_window(window, wave.samples); !read) return tl::unexpected(std::move(read.error()));
    if (options.sample_rate_hz && *options.sample_rate_hz != wave.sample_rate_hz) {
      wave.samples = resample(wave.samples, wave.sample_rate_hz, *options.sample_rate_hz);
      wave.sample_rate_hz = *options.sample_rate_hz;
    }
    if (!all_finite(wave.samples)) return fault("not finite", "NaN or infinite samples");
    return wave;
  }

 private:
  tl::unexpected<Fault> fault(const char* reason, std::string detail) const {
    return tl::unexpected(Fault{reason, name_, std::move(detail)});
  }

  Expected<void> read_window(const Window& window, std::vector<float>& samples) {
    const int rate = reader_.sample_rate_hz();
    if (window.start > 0 && !reader_.seek(window.start)) return shortfall(window, 0, ReadResult::end);
    const auto size = [&] { return static_cast<std::int64_t>(samples.size()); };
    samples.reserve(static_cast<std::size_t>(
        std::min({std::min(window.count, kMaxReservedSamples) + kMaxFrameSamples, kMaxReservedSamples,
                  reader_.stated_length().value_or(0) + kMaxFrameSamples})));
    ReadResult result = ReadResult::samples;
    while (size() < window.count && result == ReadResult::samples) {
      throw_if_interrupted();
      result = reader_.read(samples);
    }
    if (size() > window.count) samples.resize(static_cast<std::size_t>(window.count));
    if (size() < window.count) {
      if (auto whole = shortfall(window, size(), result); !whole) return whole;
    }
    if (const std::string damage = reader_.damage(); !damage.empty()) {
      return fault("damaged", damage + "; " + seconds(static_cast<double>(size()), rate) + " could be decoded");
    }
    return {};
  }

  // Called when the track ended or could not be decoded further after `got` samples of the window; the fault, if any.
  Expected<void> shortfall(const Window& window, std::int64_t got, ReadResult result) {
    const int rate = reader_.sample_rate_hz();
    const std::string good = seconds(static_cast<double>(got), rate) + " of the clip are good";
    if (result == ReadResult::rate_change) return fault("sample rate changes", good);
    if (result == ReadResult::damaged) return fault("damaged", reader_.damage() + "; " + good);
    const std::int64_t due = std::min(window.end(), reader_.expected_length().value_or(0));
    if (static_cast<double>(window.start + got) + kShortfallSeconds * rate < static_cast<double>(due)) {
      return fault("truncated",
                   "the track should last at least " + seconds(static_cast<double>(due), rate) + "; " + good);
    }
    if (got == 0 && window.start > 0) {
      return fault("clip outside the track", "it would start at " + seconds(static_cast<double>(window.start), rate));
    }
    if (got == 0) return fault("no audio in it", "no samples");
    return {};
  }

  TrackReader& reader_;
  const std::string& name_;
};

Expected<Waveform> decode_source(ByteSource& source, const std::string& name, const DecodeOptions& options) {
  auto reader = open_reader(source, name);
  Expected<Waveform> wave =
      reader ? ClipDecoder(**reader, name).decode(options) : Expected<Waveform>(tl::unexpected(reader.error()));
  if (auto read = source.check_read(); !read) return tl::unexpected(std::move(read.error()));
  return wave;
}

Expected<AudioInfo> probe_source(ByteSource& source, const std::string& name) {
  auto reader = open_reader(source, name);
  Expected<AudioInfo> info = reader ? (*reader)->info() : Expected<AudioInfo>(tl::unexpected(reader.error()));
  if (auto read = source.check_read(); !read) return tl::unexpected(std::move(read.error()));
  return info;
}

}  // namespace

Expected<Waveform> decode_file(const std::filesystem::path& location, const DecodeOptions& options) {
  check_options(options);
  auto source = ByteSource::open(location);
  if (!source) return tl::unexpected(std::move(source.error()));
  return decode_source(*source, location.string(), options);
}

Expected<Waveform> decode_bytes(std::span<const std::byte> bytes, const std::string& name,
                                const DecodeOptions& options) {
  check_options(options);
  if (bytes.empty()) return tl::unexpected(Fault{"empty file", name, "0 bytes"});
  ByteSource source(bytes);
  return decode_source(source, name, options);
}

Expected<AudioInfo> probe_file(const std::filesystem::path& location) {
  auto source = ByteSource::open(location);
  if (!source) return tl::unexpected(std::move(source.error()));
  return probe_source(*source, location.string());
}

Expected<AudioInfo> probe_bytes(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.empty()) return tl::unexpected(Fault{"empty file", name, "0 bytes"});
  ByteSource source(bytes);
  return probe_source(source, name);
}

}  // namespace genrewise
