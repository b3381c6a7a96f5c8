// Genres without training, from the AudioSet classes that EfficientAT predicts.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// How strongly an AudioSet class indicates a genre: 1 for a class that is the genre or a part of it, less for instruments
/// and sounds that are merely common in it.
struct GenreEvidence {
  std::string_view genre;
  std::size_t audioset_class = 0;       ///< its index, 0 .. 526
  std::string_view audioset_name = {};  ///< for display
  float weight = 1;
};
/// The table (docs/networks.md prints it), grouped by genre.
std::span<const GenreEvidence> genre_evidence();

/// The genres of the table, in its order.
std::vector<std::string> zero_shot_genres();

/// The classifier "zeroshot" (make_classifier()): fit() trains nothing, and its one parameter "genres" lists the genres,
/// separated by commas, in the order of the labels. Genres are matched to the table without regard to case, spaces and
/// punctuation ("Hip-Hop", "hiphop"), and common synonyms are accepted ("Rap", "World"). Examples are rows of the
/// feature set efficientat_classes. A genre's probability is its share of the evidence: the sum of weight times
/// probability over its classes, divided by that of all requested genres. make_classifier() throws Error, with the
/// list of genres, for a genre that is not in the table.
const ClassifierDescriptor& zero_shot();

}  // namespace genrewise
