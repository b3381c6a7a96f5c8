// Seeded synthetic examples for tests of training and comparison.
#pragma once

#include <string>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/data_source/examples.hpp"

namespace genrewise::testing {

/// `per_label` examples per label, normally distributed around a corner of the unit cube (standard deviation `spread`)
/// in `columns` dimensions; two examples per artist. Wide spreads overlap.
inline Examples clusters(const std::vector<std::string>& labels, std::size_t per_label, float spread,
                         std::size_t columns = 4, std::uint64_t seed = 1) {
  Examples examples;
  examples.name = "clusters";
  examples.labels = labels;
  examples.table.recipe = {"table", 1, "0123456789abcdef"};
  for (std::size_t j = 0; j < columns; ++j) examples.table.columns.push_back({"x", "value", std::to_string(j)});
  Matrix values(labels.size() * per_label, columns);
  Rng rng(seed);
  for (std::size_t i = 0; i < values.rows(); ++i) {
    const std::size_t label = i % labels.size(), artist = i / labels.size() / 2;
    for (std::size_t j = 0; j < columns; ++j) {
      const bool corner = (label + 1) >> (j % 64) & 1U;
      values(i, j) = (corner ? 1.0F : 0.0F) + spread * static_cast<float>(rng.normal());
    }
    const std::string id = std::to_string(i);
    examples.subjects.ids.push_back(id);
    examples.subjects.labels.push_back(static_cast<int>(label));
    examples.subjects.artists.push_back("artist " + labels[label] + std::to_string(artist));
    examples.subjects.albums.emplace_back();
    examples.subjects.tracks.push_back(id);
    examples.subjects.official.emplace_back();
    examples.table.track_ids.push_back(id);
  }
  examples.subjects.labels_by_name = labels;
  examples.table.values = std::move(values);
  return examples;
}

}  // namespace genrewise::testing
