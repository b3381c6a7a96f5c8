// A catalogue in a temporary folder, filled by the test.
#pragma once

#include <gmock/gmock.h>

#include <optional>

#include "genrewise/library/catalogue.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/library/stored.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {

class CatalogueTest : public ::testing::Test {
 protected:
  CatalogueTest() { catalogue_.emplace(file_, Catalogue::Access::write); }

  /// A model of the labels Jazz, Pop and Rock on rows of two numbers.
  std::int64_t add_model(const std::string& name = "a.gwm") {
    CatalogueModel model;
    model.name = model.sha256 = name;
    model.labels = {"Jazz", "Pop", "Rock"};
    model.recipe = {"two", 1, "hash"};
    model.threshold = 0.4;
    return write_model(catalogue_->database(), model, 2);
  }
  /// Probabilities of the model's labels; none: not analysed.
  CatalogueTrack track(const std::string& path, std::vector<float> probabilities = {}) {
    CatalogueTrack track;
    track.path = path;
    track.bytes = 1000;
    track.added_s = 1'700'000'000;
    if (probabilities.empty()) return track;
    if (model_ == 0) model_ = add_model();
    const auto best = std::ranges::max_element(probabilities) - probabilities.begin();
    track.model = model_;
    track.predicted = std::vector<std::string>{"Jazz", "Pop", "Rock"}[static_cast<std::size_t>(best)];
    track.confidence = probabilities[static_cast<std::size_t>(best)];
    track.unknown = track.confidence < 0.4;
    track.probabilities = std::move(probabilities);
    return track;
  }
  std::int64_t add(const CatalogueTrack& track) { return write_track(catalogue_->database(), track); }

  TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "music/library.db";
  std::optional<Catalogue> catalogue_;
  std::int64_t model_ = 0;
};

}  // namespace genrewise::testing
