// Audio files in folders.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// Finds the audio files at the locations, sorted by name: those that satisfy looks_like_audio(), and those in a list of
/// locations (.txt) or below a prefix of an object store. Skips hidden files and folders, follows links to folders,
/// and visits no folder twice (so circular links end). Locations that do not exist, cannot be read or contain no audio
/// are reported in `faults`: "not found", "folder cannot be read", "no audio in it".
std::vector<std::filesystem::path> find_audio(std::span<const std::filesystem::path> locations,
                                              std::vector<Fault>& faults);

}  // namespace genrewise
