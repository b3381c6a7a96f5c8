// FMA's echonest.csv. Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/features/feature_table.hpp"

namespace genrewise {

/// Whether a CSV begins like FMA's echonest.csv: ",echonest,...", with empty cells above the track ids.
bool is_echonest_table(std::string_view text);

/// Reads echonest.csv as FMA publishes it (13,129 tracks x 249 columns): three header rows ("echonest", group, name), a
/// row with "track_id", one row per track. Returns the columns that FMA's baselines use: the groups audio_features (8),
/// social_features (5) and temporal_features (224), each a feature of that name; metadata (text) and ranks (mostly
/// empty) are left out. The recipe is {"echonest", 0, ...}. Throws Error for another layout and, with line and column,
/// for a cell of these columns that is not a finite number.
FeatureTable read_echonest_table(std::string_view text, const std::string& name);

}  // namespace genrewise
