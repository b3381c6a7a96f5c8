// UTC times as text.
#pragma once

#include <cstdint>
#include <string>

namespace genrewise {

/// Seconds since 1970 as "2026-11-25T22:15:00Z"; independent of the system's time zone.
std::string utc_text(std::int64_t seconds);

}  // namespace genrewise
