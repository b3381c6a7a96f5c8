// What recipes share: for who makes one, here or in a room upstairs.
#pragma once

#include <memory>
#include <string>

#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// The recipe whose hash is the SHA-256 of "name version\n" + parameters. `parameters` is the canonical text: whatever
/// changes a number that comes out stands in it.
FeatureRecipe make_recipe(std::string name, int version, const std::string& parameters);

/// `value` in decimal, with zeros in front up to `width` digits.
std::string zero_padded(std::size_t value, int width);

/// Fault "too short", saying what there is and what it takes.
tl::unexpected<Fault> too_short(const Waveform& clip, std::size_t samples_needed);

}  // namespace genrewise
