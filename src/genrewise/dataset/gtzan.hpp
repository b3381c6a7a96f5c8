// GTZAN: its file names and its fault-filtered split.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "genrewise/dataset/dataset.hpp"

namespace genrewise {

/// Whether every id is that of an excerpt of GTZAN: blues.00000 to rock.00099, with or without folder and extension.
/// False if there are none.
bool is_gtzan(std::span<const std::string> ids);

/// Part of the excerpt in the fault-filtered split (Kereliuk, Sturm and Larsen, "Deep learning and music adversaries",
/// 2015; 443 training, 197 validation and 290 test excerpts, in which no recording is repeated and no artist is in two
/// parts). Empty for the 70 excerpts that it leaves out and for other ids.
std::optional<Part> fault_filtered_part(std::string_view id);

}  // namespace genrewise
