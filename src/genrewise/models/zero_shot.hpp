// Genres without training, from the AudioSet classes of EfficientAT or the tags of musicnn.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// The pretrained networks whose output is evidence for genres.
enum class ZeroShotNetwork {
  efficientat,  ///< logits of AudioSet's 527 classes (feature set efficientat_classes)
  musicnn,      ///< probabilities of 50 tags of the Million Song Dataset and 50 of MagnaTagATune (musicnn_tags)
};

/// How strongly an output of the network indicates a genre: 1 for one that is the genre or a part of it, less for what
/// is merely common in it.
struct GenreEvidence {
  std::string_view genre;
  std::size_t column = 0;      ///< of the network's feature set: 0 .. 526, 0 .. 99
  std::string_view name = {};  ///< of the class or tag, for display
  float weight = 1;
};
/// The network's table (docs/networks.md prints it), grouped by genre.
std::span<const GenreEvidence> genre_evidence(ZeroShotNetwork network);

/// The genres of the network's table, in its order.
std::vector<std::string> zero_shot_genres(ZeroShotNetwork network);

/// The classifier "zeroshot" (make_classifier()): fit() trains nothing. Its parameters: "network", efficientat
/// (default) or musicnn; "genres", separated by commas, in the order of the labels (empty: all of the network's table).
/// Genres are matched to the table without regard to case, spaces and punctuation ("Hip-Hop", "hiphop"), and common
/// synonyms are accepted ("Rap", "World"). Examples are rows of the network's feature set. A genre's probability is its
/// share of the evidence of all requested genres; the evidence is the sum of weight times probability over its classes
/// for efficientat, and the largest of these products for musicnn, whose tags overlap ("rock", "classic rock").
/// make_classifier() throws Error, with the list of genres, for a genre that is not in the table.
const ClassifierDescriptor& zero_shot();

}  // namespace genrewise
