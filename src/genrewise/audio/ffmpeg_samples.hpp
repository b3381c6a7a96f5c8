// Converts FFmpeg's frames to one channel. Internal to audio.
#pragma once

#include <vector>

struct AVFrame;

namespace genrewise::audio {

/// Appends the frame from sample `skip` on as one channel in [-1, 1]; false for an unknown sample format.
bool append_frame(const AVFrame& frame, int skip, std::vector<float>& mono);

}  // namespace genrewise::audio
