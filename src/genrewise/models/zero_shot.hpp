// Genres without training: from the AudioSet classes that EfficientAT recognises.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// How much a class of AudioSet speaks for a genre: 1 for a class that is the genre or a part of it, less for
/// instruments and sounds that are merely common in it.
struct GenreEvidence {
  std::string_view genre;
  std::size_t audioset_class = 0;       ///< its index, 0 .. 526
  std::string_view audioset_name = {};  ///< for people
  float weight = 1;
};
/// The table (docs/networks.md prints it), grouped by genre.
std::span<const GenreEvidence> genre_evidence();

/// The genres of the table, in its order.
std::vector<std::string> zero_shot_genres();

/// The classifier "zeroshot" (make_classifier()): fit() trains nothing, and its one parameter "genres" names the
/// genres, separated by commas, in the order of the labels. A genre is written as in the table or nearly so: case,
/// spaces and punctuation do not count ("Hip-Hop", "hiphop"), and common other names are known ("Rap", "World").
/// Examples are rows of the feature set efficientat_classes. A genre's probability is its share of the evidence: the
/// sum of weight times probability over its classes, divided by that of all the genres asked for. make_classifier()
/// throws Error for a genre that the table does not know, and lists those that it knows.
const ClassifierDescriptor& zero_shot();

}  // namespace genrewise
