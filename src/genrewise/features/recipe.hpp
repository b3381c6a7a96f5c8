// Helpers for implementing feature sets, also in modules above this one.
#pragma once

#include <memory>
#include <string>

#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// Recipe whose hash is the SHA-256 of `name version\n` + parameters. `parameters` is the canonical text of everything
/// that affects the resulting numbers.
FeatureRecipe make_recipe(std::string name, int version, const std::string& parameters);

/// `value` in decimal, padded with leading zeros to `width` digits.
std::string zero_padded(std::size_t value, int width);

/// Fault "too short" with the actual and the required length.
tl::unexpected<Fault> too_short(const Waveform& clip, std::size_t samples_needed);

}  // namespace genrewise
