// Interface of the decoders (mpg123; FFmpeg or libsndfile); pages of Ogg, and chained Ogg: several complete streams one
// after the other in one file. Internal to audio.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/audio/decode.hpp"

namespace genrewise::audio {

enum class ReadResult { samples, end, rate_change, damaged };

/// One open track, positioned at its first sample. Positions and lengths are in samples per channel at the native rate,
/// without encoder delay.
class TrackReader {
 public:
  virtual ~TrackReader() = default;

  virtual int sample_rate_hz() const = 0;
  /// AudioInfo::format; cheap.
  virtual std::string format() const = 0;
  /// The result of probe_file().
  virtual AudioInfo info() = 0;
  /// The length that the headers state, which may be wrong; cheap.
  virtual std::optional<std::int64_t> stated_length() const = 0;
  /// The length without decoding: from headers that state that of this stream, otherwise its frames or packets are
  /// counted; nothing if they have no durations.
  virtual std::optional<std::int64_t> length() = 0;
  /// The length before truncation, for files that state it; otherwise at most the present length. Nothing if unknown.
  virtual std::optional<std::int64_t> expected_length() = 0;
  /// Makes the next read() begin at exactly this sample, also after the end; false if the track is shorter.
  virtual bool seek(std::int64_t sample) = 0;
  /// Appends the mean over the channels of the next block of samples.
  virtual ReadResult read(std::vector<float>& mono) = 0;
  /// Describes damage since the last seek, if it is more than is_damaged() tolerates; else empty.
  virtual std::string damage() const { return {}; }
  /// Why read() returned `damaged`.
  virtual std::string error() const { return {}; }
  /// Samples since the last seek that could not be decoded and are missing, if the format allows to count them.
  virtual std::int64_t lost_samples() const { return 0; }
};

struct MpegLayout;
/// Opens the MP3 stream (MPEG audio layer III, by libmpg123) that find_mpeg_audio() found. `source` must outlive the
/// reader.
std::unique_ptr<TrackReader> open_mp3(ByteSource& source, const MpegLayout& layout);

/// Opens the best audio stream of any other format, with FFmpeg (and decodes its first frame) or, in builds without GPL
/// parts, with libsndfile. Faults: "not audio", "no audio in it", "truncated", "damaged", "implausible sample rate",
/// "implausible number of channels", "no decoder in this build". The view's source must outlive the reader.
Expected<std::unique_ptr<TrackReader>> open_other(const ByteView& view, const std::string& name);

/// The parts of an Ogg file that are a stream each (RFC 3533, 4: links of the chain), in order; empty if the view is
/// not Ogg, one part for most files. Reads the headers of all pages of a file of up to 16 MiB; in a longer one only if
/// its last page has another serial number than the first, as chained files should have. Throws Interrupted.
std::vector<ByteView> ogg_links(const ByteView& view);

/// Ogg (RFC 3533): the granule position of the last page if that page is incomplete.
std::optional<std::int64_t> granule_of_cut_page(const ByteView& view);
/// Whether a page of Ogg begins at `offset` or behind it.
bool has_ogg_page(const ByteView& view, std::int64_t offset);

/// Opens the links as one track, with the sample rate of the first. Faults: those of open_other() for a link, if more
/// than 5 % of the bytes cannot be opened.
Expected<std::unique_ptr<TrackReader>> open_ogg_chain(const std::vector<ByteView>& links, const std::string& name);

}  // namespace genrewise::audio
