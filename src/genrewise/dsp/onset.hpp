// Onset strength.
#pragma once

#include <cstddef>
#include <span>

namespace genrewise {

/// librosa.onset.onset_strength(S=...) with its defaults: increases of the mel bands in dB from frame to frame
/// (decreases count as 0), averaged over bands and delayed by two frames of 512 samples, so onsets are at their time
/// and not where a frame of 2,048 samples first contains them. `mel_db`: `bands` rows of envelope.size() frames,
/// `stride` floats apart; values below `floor_db` are raised to it (librosa's top_db: 80 dB below the maximum). The
/// first three frames are 0.
void onset_strength(const float* mel_db, std::size_t bands, std::size_t stride, float floor_db,
                    std::span<float> envelope);

}  // namespace genrewise
