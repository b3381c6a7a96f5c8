#include "genrewise/audio/mpeg_frames.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "genrewise/audio/byte_order.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise::audio {
namespace {

constexpr std::int64_t kInterval = 256;
constexpr std::size_t kSearchBytes = 1 << 14;
// Random bytes are a header with a probability of about 2^-16, so two in a row are a stream that continues. Frames of
// another rate must be more, as they end the track.
constexpr int kFramesOfRun = 2, kFramesOfOtherRate = 4;

}  // namespace

bool MpegFrames::take(std::int64_t offset, const MpegHeader& header) {
  const int bytes = layout_->bytes_of(header);
  if (offset + bytes > layout_->end) return false;
  frame_end_ = offset + bytes;
  frame_bytes_ = bytes;
  ++count_;
  return true;
}

bool MpegFrames::next() {
  const auto header = mpeg_header_at(*source_, frame_end_, *layout_);
  return (header && take(frame_end_, *header)) || resynchronise();
}

// Skips the rest of the file or all bytes before the next run of frames.
bool MpegFrames::resynchronise() {
  std::vector<std::byte> bytes(kSearchBytes);
  const std::int64_t begin = end_of_tags(frame_end_);
  frame_bytes_ = 0;
  for (std::int64_t offset = begin; offset < layout_->end;) {
    throw_if_interrupted();
    const std::size_t got = source_->read_at(offset, bytes);
    if (got == 0) break;
    const auto* sync = static_cast<const std::byte*>(std::memchr(bytes.data(), 0xff, got));
    for (; sync != nullptr; sync = static_cast<const std::byte*>(
                                std::memchr(sync + 1, 0xff, got - static_cast<std::size_t>(sync + 1 - bytes.data())))) {
      const std::int64_t at = offset + (sync - bytes.data());
      if (at >= layout_->end) break;
      if (is_mpeg_run(*source_, at, *layout_, kFramesOfRun)) {
        skipped_bytes_ += at - begin;
        return take(at, *mpeg_header_at(*source_, at, *layout_));
      }
      if (!is_complete() && is_other_mpeg_run(*source_, at, *layout_, kFramesOfOtherRate)) {
        rate_changes_ = true;
        return false;
      }
    }
    offset += static_cast<std::int64_t>(got);
  }
  if (!is_complete()) skipped_bytes_ += std::max<std::int64_t>(0, layout_->end - begin);
  frame_end_ = layout_->end;
  return false;
}

// ID3v2, ID3v1, APE and Lyrics3 tags from `offset` on.
std::int64_t MpegFrames::end_of_tags(std::int64_t offset) const {
  constexpr std::int64_t kId3v1Bytes = 128;
  for (;;) {
    std::array<std::byte, 32> head{};
    source_->read_at(offset, head);
    std::int64_t end = end_of_id3v2(*source_, offset);
    if (begins_with(head.data(), "TAG")) end = offset + kId3v1Bytes;
    if (begins_with(head.data(), "APETAGEX")) end = offset + 32 + static_cast<std::int64_t>(little_endian(&head[12]));
    if (end == offset || end > layout_->end) return offset;
    offset = end;
  }
}

MpegFrames MpegFrameIndex::before(std::int64_t frame) {
  while (!ended_ && latest_.count() < frame) {
    if (latest_.count() == static_cast<std::int64_t>(positions_.size()) * kInterval) {
      positions_.push_back(latest_);
      throw_if_interrupted();
    }
    ended_ = !latest_.next();
  }
  const auto known = std::min(frame / kInterval, static_cast<std::int64_t>(positions_.size()) - 1);
  MpegFrames position = positions_[static_cast<std::size_t>(known)];
  while (position.count() < frame && position.next()) continue;
  return position;
}

std::int64_t MpegFrameIndex::count() {
  before(std::numeric_limits<std::int64_t>::max());
  return latest_.count();
}

}  // namespace genrewise::audio
