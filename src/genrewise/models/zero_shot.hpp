// Genres without training, from the AudioSet classes of EfficientAT and the tags of musicnn.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// The pretrained networks whose output is evidence for genres.
enum class ZeroShotNetwork {
  efficientat,  ///< logits of AudioSet's 527 classes
  musicnn,      ///< probabilities of 50 tags of the Million Song Dataset and 50 of MagnaTagATune
  both,         ///< the columns of efficientat, then those of musicnn
};
/// "efficientat", "musicnn", "both".
std::string_view to_string(ZeroShotNetwork network);
/// Name of the feature set with the network's outputs.
std::string_view zero_shot_features(ZeroShotNetwork network);

/// How strongly an output of the network indicates a genre, chosen by hand from the names before any measurement: 1 for
/// one that is the genre or a kind of it; 0.5 for musicnn's umbrella tags "rock" and "pop", which listeners give to
/// most songs, for typical instruments and related genres; 0.3 for moods and for what is merely common in it.
struct GenreEvidence {
  std::string_view genre;
  std::size_t column = 0;      ///< of the network's feature set: 0 .. 526, 0 .. 99
  std::string_view name = {};  ///< of the class or tag, for display
  float weight = 1;
};
/// The network's table (tables/zero_shot_NETWORK.csv; docs/networks.md prints it), grouped by genre; for `both` that of
/// efficientat. Genres that no output indicates are not in it.
std::span<const GenreEvidence> genre_evidence(ZeroShotNetwork network);

/// The genres of the network's table, in its order; for `both` those of efficientat, which include musicnn's.
std::vector<std::string> zero_shot_genres(ZeroShotNetwork network);

/// The classifier "zeroshot" (make_classifier()): fit() trains nothing. Its parameters: "network", the name of a
/// ZeroShotNetwork (default efficientat); "genres", separated by commas, in the order of the labels (empty: all of the
/// network's table). Genres are matched to the table without regard to case, spaces and punctuation ("Hip-Hop",
/// "hiphop"), and common synonyms are accepted ("Rap", "World"). Examples are rows of zero_shot_features().
///
/// A genre is taken as a mixture of its classes: its evidence is the weighted mean, over them, of probability divided
/// by prior (the share of the network's training data that has the class), which is proportional to the likelihood of
/// the clip. Its probability is its share of the evidence of all requested genres; of two networks, the normalised
/// geometric mean of their shares. A genre that one of two networks does not have gets that network's mean share.
/// make_classifier() throws Error, with the list of genres, for a genre that no network has.
const ClassifierDescriptor& zero_shot();

}  // namespace genrewise
