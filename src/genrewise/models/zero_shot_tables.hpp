// For zero_shot.cpp: the tables of evidence, one file each.
#pragma once

#include <span>

#include "genrewise/models/zero_shot.hpp"

namespace genrewise {

std::span<const GenreEvidence> audioset_evidence();
std::span<const GenreEvidence> tag_evidence();

}  // namespace genrewise
