#include "genrewise/audio/decode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/audio/decode_workers.hpp"
#include "genrewise/audio/limits.hpp"
#include "genrewise/audio/mpeg_layout.hpp"
#include "genrewise/audio/track_reader.hpp"
#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/floats.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/runtime.hpp"

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

constexpr const char* kOutside = "clip outside the track";

struct Window {
  std::int64_t start = 0;
  std::int64_t count = std::numeric_limits<std::int64_t>::max();  // to the end
  bool is_whole = false;                                          // a centred clip of a short track

  std::int64_t end() const { return start + std::min(count, std::numeric_limits<std::int64_t>::max() - start); }
};

void check_options(const DecodeOptions& options) {
  const auto require = [](bool valid, const std::string& problem, const char* remedy) {
    if (!valid) throw Error(problem, "clip", remedy);
  };
  const ClipRequest& clip = options.clip;
  const double start_s = clip.start_s.value_or(0);
  const int rate_hz = options.sample_rate_hz.value_or(1);
  require(start_s >= 0 && std::isfinite(start_s), fmt::format("a clip cannot start at {:f} s", start_s),
          "give a start of 0 s or more");
  require(clip.duration_s > 0, fmt::format("a clip cannot last {:f} s", clip.duration_s), "give a duration above 0 s");
  require(clip.slack_s >= 0, fmt::format("the slack of a clip cannot be {:f} s", clip.slack_s),
          "give a slack of 0 s or more");
  require(rate_hz >= 1 && rate_hz <= audio::kMaxResampledHz,
          fmt::format("a sample rate of {} Hz is not possible", rate_hz), "give a rate of 1 to 10,000,000 Hz");
}

bool is_centred(const ClipRequest& clip) {
  return !clip.start_s && std::isfinite(clip.duration_s);
}

std::int64_t samples_of(double seconds, int rate_hz) {
  constexpr double kMaxSamples = 1e15;  // 700 years
  return std::llround(std::min(kMaxSamples, seconds * rate_hz));
}

// `length` of the track in samples; only used by centred clips.
Window resolve_window(const ClipRequest& clip, std::int64_t length, int rate_hz) {
  Window window;
  if (std::isfinite(clip.duration_s)) window.count = std::max<std::int64_t>(1, samples_of(clip.duration_s, rate_hz));
  if (clip.start_s) window.start = samples_of(*clip.start_s, rate_hz);
  if (!is_centred(clip)) return window;
  const std::int64_t whole = std::max(window.count, samples_of(clip.duration_s + clip.slack_s, rate_hz));
  if (length <= whole) return {0, whole + samples_of(kShortfallSeconds, rate_hz), true};
  window.start = (length - window.count) / 2;
  return window;
}

// A file that starts with MP3 frames is decoded by mpg123; frames after other bytes only if FFmpeg finds no other
// format. (FFmpeg decodes layers I and II, because libmpg123 1.31 prints to stderr for damaged ones in spite of its
// flags.)
Expected<std::unique_ptr<TrackReader>> open_reader(ByteSource& source, const std::string& name) {
  const auto at_start = audio::find_mpeg_audio(source, audio::MpegSearch::at_start);
  if (at_start && at_start->first.layer == 3) return audio::open_mp3(source, *at_start);
  const std::int64_t tags_end = audio::end_of_leading_tags(source);
  const audio::ByteView view(source, tags_end, source.size() - tags_end);
  const std::vector<audio::ByteView> links = audio::ogg_links(view);
  auto other = links.size() > 1 ? audio::open_ogg_chain(links, name) : audio::open_other(view, name);
  if (at_start || (other && (*other)->format() != "mp3")) return other;
  const auto behind = audio::find_mpeg_audio(source, audio::MpegSearch::behind_junk);
  if (behind && behind->first.layer == 3) return audio::open_mp3(source, *behind);
  return other;
}

std::string seconds(double samples, int rate_hz) {
  return fmt::format("{:.2f} s", samples / rate_hz);
}

class ClipDecoder {
 public:
  ClipDecoder(TrackReader& reader, const std::string& name)
      : reader_(reader), name_(name), rate_hz_(reader.sample_rate_hz()) {}

  Expected<Waveform> decode(const DecodeOptions& options) {
    auto samples = read_clip(options.clip);
    if (!samples) return tl::unexpected(std::move(samples.error()));
    Waveform wave{std::move(*samples), rate_hz_};
    if (options.sample_rate_hz && *options.sample_rate_hz != rate_hz_) {
      wave.samples = resample(wave.samples, rate_hz_, *options.sample_rate_hz);
      wave.sample_rate_hz = *options.sample_rate_hz;
    }
    if (!all_finite(wave.samples)) return fault("not finite", "NaN or infinite samples");
    return wave;
  }

  Expected<AudioInfo> probe() {
    AudioInfo info = reader_.info();
    if (info.duration_s <= 0) info.duration_s = static_cast<double>(measure()) / rate_hz_;
    const std::int64_t length = samples_of(info.duration_s, rate_hz_);
    if (is_implausible(length)) return implausible_duration(length);
    return info;
  }

 private:
  tl::unexpected<Fault> fault(const char* reason, std::string detail) const {
    return tl::unexpected(Fault{reason, name_, std::move(detail)});
  }

  // If the length of the track is unknown, or turns out to be wrong, it is measured by decoding.
  Expected<std::vector<float>> read_clip(const ClipRequest& clip) {
    if (!is_centred(clip)) return read_window(resolve_window(clip, 0, rate_hz_));
    const std::optional<std::int64_t> stated = reader_.length();
    const std::int64_t length = stated ? *stated : measure();
    if (is_implausible(length)) return implausible_duration(length);
    const Window window = resolve_window(clip, length, rate_hz_);
    auto samples = read_window(window);
    if (!stated || is_as_planned(window, samples)) return samples;
    samples = std::vector<float>();  // free the memory
    const std::int64_t measured = measure();
    if (is_implausible(measured)) return implausible_duration(measured);
    return read_window(resolve_window(clip, measured, rate_hz_));
  }

  // A whole track ends in its window, any other does not.
  static bool is_as_planned(const Window& window, const Expected<std::vector<float>>& samples) {
    if (!samples) return samples.error().reason != kOutside;
    return (static_cast<std::int64_t>(samples->size()) < window.count) == window.is_whole;
  }

  bool is_implausible(std::int64_t length) const {
    return static_cast<double>(length) > audio::kMaxDurationSeconds * rate_hz_;
  }

  tl::unexpected<Fault> implausible_duration(std::int64_t length) const {
    return fault("implausible duration", seconds(static_cast<double>(length), rate_hz_) +
                                             "; used are tracks of at most " +
                                             std::to_string(std::lround(audio::kMaxDurationSeconds / 3600)) + " hours");
  }

  // The number of samples up to the end, or more than any plausible track has.
  std::int64_t measure() {
    std::int64_t length = 0;
    std::vector<float> block;
    for (bool more = reader_.seek(0); more && !is_implausible(length);) {
      throw_if_interrupted();
      block.clear();
      more = reader_.read(block) == ReadResult::samples;
      length += static_cast<std::int64_t>(block.size());
    }
    reader_.seek(0);
    return length;
  }

  Expected<std::vector<float>> read_window(const Window& window) {
    std::vector<float> samples;
    if (window.start > 0 && !reader_.seek(window.start)) return shortfall(window, std::move(samples), ReadResult::end);
    samples.reserve(static_cast<std::size_t>(
        std::min({std::min(window.count, kMaxReservedSamples) + kMaxFrameSamples, kMaxReservedSamples,
                  std::max<std::int64_t>(0, reader_.stated_length().value_or(0)) + kMaxFrameSamples})));
    const auto size = [&] { return static_cast<std::int64_t>(samples.size()); };
    ReadResult result = ReadResult::samples;
    while (size() < window.count && result == ReadResult::samples) {
      throw_if_interrupted();
      if (size() > 0 && is_implausible(window.start + size())) return implausible_duration(window.start + size());
      result = reader_.read(samples);
    }
    if (size() < window.count) return shortfall(window, std::move(samples), result);
    samples.resize(static_cast<std::size_t>(window.count));
    return undamaged(std::move(samples));
  }

  Expected<std::vector<float>> undamaged(std::vector<float> samples) const {
    const std::string damage = reader_.damage();
    if (damage.empty()) return samples;
    return fault("damaged",
                 damage + "; " + seconds(static_cast<double>(samples.size()), rate_hz_) + " could be decoded");
  }

  // Called when the track ended or could not be decoded further after `samples` of the window.
  Expected<std::vector<float>> shortfall(const Window& window, std::vector<float> samples, ReadResult result) {
    const auto got = static_cast<std::int64_t>(samples.size());
    const std::string good = seconds(static_cast<double>(got), rate_hz_) + " of the clip are good";
    if (result == ReadResult::rate_change) return fault("sample rate changes", good);
    if (result == ReadResult::damaged) return fault("damaged", reader_.error() + "; " + good);
    auto checked = undamaged(std::move(samples));
    if (!checked) return checked;
    const std::int64_t due = std::min(window.end(), reader_.expected_length().value_or(0));
    const std::int64_t end = window.start + got + reader_.lost_samples();
    if (static_cast<double>(end) + kShortfallSeconds * rate_hz_ < static_cast<double>(due)) {
      return fault("truncated",
                   "the track should last at least " + seconds(static_cast<double>(due), rate_hz_) + "; " + good);
    }
    if (got == 0 && window.start > 0) {
      return fault(kOutside, "it would start at " + seconds(static_cast<double>(window.start), rate_hz_));
    }
    if (got == 0) return fault("no audio in it", "no samples");
    return checked;
  }

  TrackReader& reader_;
  const std::string& name_;
  const int rate_hz_;
};

Expected<Waveform> decode_source(ByteSource& source, const std::string& name, const DecodeOptions& options) {
  auto& workers = Runtime::current().service<audio::DecodeWorkers>();
  return workers.are_used() ? workers.decode(source, name, options) : audio::decode_here(source, name, options);
}

Expected<AudioInfo> probe_source(ByteSource& source, const std::string& name) {
  auto& workers = Runtime::current().service<audio::DecodeWorkers>();
  return workers.are_used() ? workers.probe(source, name) : audio::probe_here(source, name);
}

}  // namespace

namespace audio {

Expected<Waveform> decode_here(ByteSource& source, const std::string& name, const DecodeOptions& options) {
  auto reader = open_reader(source, name);
  Expected<Waveform> wave =
      reader ? ClipDecoder(**reader, name).decode(options) : Expected<Waveform>(tl::unexpected(reader.error()));
  if (auto read = source.check_read(); !read) return tl::unexpected(std::move(read.error()));
  return wave;
}

Expected<AudioInfo> probe_here(ByteSource& source, const std::string& name) {
  auto reader = open_reader(source, name);
  Expected<AudioInfo> info =
      reader ? ClipDecoder(**reader, name).probe() : Expected<AudioInfo>(tl::unexpected(reader.error()));
  if (auto read = source.check_read(); !read) return tl::unexpected(std::move(read.error()));
  return info;
}

}  // namespace audio

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
