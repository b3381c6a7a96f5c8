// Times as lists of files show them.
#pragma once

#include <cstdint>
#include <string>

namespace genrewise {

/// Seconds since 1970 as "2026-11-25T22:15:00Z" (without asking the system for a time zone).
std::string utc_text(std::int64_t seconds);

}  // namespace genrewise
