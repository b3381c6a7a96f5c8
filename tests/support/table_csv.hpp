// A small labelled feature table as text.
#pragma once

#include <fmt/format.h>

#include <string>

#include "genrewise/base/random.hpp"

namespace genrewise::testing {

/// Three overlapping clusters with labels that need escaping in CSV and HTML; three rows per artist.
inline std::string table_csv(int rows_per_genre = 40) {
  const char* genres[] = {"\"Drum, Bass\n& <b>\"", "Jazz", "R&B"};
  std::string csv = "track_id,genre,artist,loud,fast,bright\n";
  Rng rng(3);
  for (int i = 0; i < 3 * rows_per_genre; ++i) {
    const int genre = i % 3;
    csv += fmt::format("{},{},a{},{:.4f},{:.4f},{:.4f}\n", i, genres[genre], i / 9 * 3 + genre,
                       (genre == 0) + 0.4 * rng.normal(), (genre == 1) + 0.4 * rng.normal(), 0.4 * rng.normal());
  }
  return csv;
}

}  // namespace genrewise::testing
