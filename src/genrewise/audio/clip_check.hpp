// Checks that a decoded clip contains enough sound for features to mean anything.
#pragma once

#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {

/// Faults: "too short" for a clip of less than 0.25 s (the shortest excerpts whose genre listeners were tested on:
/// Gjerdingen and Perrott, Scanning the Dial, 2008), and "silent" for one whose samples all lie within 0.0002 of full
/// scale (three steps of 16 bits to either side of any constant), apart from 25 ms at both ends, where a resampler
/// rings. Their `where` is empty.
Expected<void> check_clip(const Waveform& clip);

}  // namespace genrewise
