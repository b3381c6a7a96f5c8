// What a clip looks like: envelope, mel-spectrogram, chromagram and spectral centroid. Private to this module.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/dataset/dataset.hpp"

namespace genrewise {

/// For each track its picture (an entry of "exploration.clips" without its genre) or the fault for which there is none.
/// Decodes at most 30 s of each clip, in parallel.
std::vector<Expected<nlohmann::json>> clip_pictures(const std::vector<const Track*>& tracks);

}  // namespace genrewise
