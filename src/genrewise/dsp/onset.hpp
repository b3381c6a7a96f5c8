// When something begins to sound.
#pragma once

#include <cstddef>
#include <span>

namespace genrewise {

/// librosa.onset.onset_strength(S=...) with its defaults: by how many dB the mel bands grow from frame to frame, falls
/// counted as 0, averaged over the bands; delayed by two frames of 512 samples, so that an onset stands where it is
/// heard and not where a frame of 2,048 samples first touches it. `mel_db`: `bands` rows of envelope.size() frames,
/// `stride` floats apart; what lies under `floor_db` counts as that (librosa's top_db: 80 below the loudest). The first
/// three frames are 0.
void onset_strength(const float* mel_db, std::size_t bands, std::size_t stride, float floor_db,
                    std::span<float> envelope);

}  // namespace genrewise
