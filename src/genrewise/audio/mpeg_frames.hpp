// Walks over the frames of an MP3, across damaged parts. Internal to audio.
#pragma once

#include <cstdint>
#include <vector>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/audio/mpeg_layout.hpp"

namespace genrewise::audio {

/// A position between two frames of a layout; copies are independent. Bytes that belong to no frame are skipped: a
/// frame is one that continues the run of frames, or that begins a run of at least two after other bytes. Tags between
/// frames (concatenated files) and bytes behind a complete track are no damage.
class MpegFrames {
 public:
  /// Both must outlive it.
  MpegFrames(ByteSource& source, const MpegLayout& layout)
      : source_(&source), layout_(&layout), frame_end_(layout.audio_begin) {}

  /// Moves behind the next frame; false at the end and where frames of another rate begin. Throws Interrupted.
  bool next();

  /// Of the frame that next() moved behind.
  std::int64_t offset() const { return frame_end_ - frame_bytes_; }
  int bytes() const { return frame_bytes_; }
  /// The number of frames so far.
  std::int64_t count() const { return count_; }
  /// Bytes so far that belong to neither frames nor tags.
  std::int64_t skipped_bytes() const { return skipped_bytes_; }
  /// After next() returned false: frames of another sample rate follow.
  bool rate_changes() const { return rate_changes_; }

 private:
  bool take(std::int64_t offset, const MpegHeader& header);
  bool resynchronise();
  std::int64_t end_of_tags(std::int64_t offset) const;
  bool is_complete() const { return layout_->stated_frames && count_ >= *layout_->stated_frames; }

  ByteSource* source_;
  const MpegLayout* layout_;
  std::int64_t frame_end_;
  std::int64_t count_ = 0, skipped_bytes_ = 0;
  int frame_bytes_ = 0;
  bool rate_changes_ = false;
};

/// Counts frames as far as needed and keeps positions, so that any frame is reached in few steps.
class MpegFrameIndex {
 public:
  MpegFrameIndex(ByteSource& source, const MpegLayout& layout)
      : positions_{MpegFrames(source, layout)}, latest_(positions_.front()) {}

  /// The position before frame `frame` (counted from 0), or at the end if there are fewer. Throws Interrupted.
  MpegFrames before(std::int64_t frame);
  /// The number of frames. Reads the whole file the first time.
  std::int64_t count();

 private:
  std::vector<MpegFrames> positions_;  // each kInterval frames
  MpegFrames latest_;
  bool ended_ = false;
};

}  // namespace genrewise::audio
