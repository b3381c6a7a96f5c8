// Parts of a table of examples: some of its features, some of its rows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "genrewise/data_source/examples.hpp"

namespace genrewise {

/// The columns of these features: names joined by "+" ("mfcc+spectral_contrast"), or "all". Throws Error for a name
/// that no column has, naming what there is.
std::vector<std::size_t> columns_of(const std::vector<FeatureColumn>& columns, std::string_view features);

/// The names of the features, in the table's order.
std::vector<std::string> feature_names(const std::vector<FeatureColumn>& columns);

/// The same examples with these features only; the recipe's name and hash say so.
Examples select_features(const Examples& examples, std::string_view features);

/// The same features of these rows only; genres that are left without one stay in the list.
Examples select_examples(const Examples& examples, const std::vector<std::size_t>& rows);

/// Takes genres that no example has out of the list; the others keep their order.
void drop_absent_genres(Examples& examples);

/// The rows of the table with these ids, in that order. Throws Error for an id that it does not have.
FeatureTable select_tracks(FeatureTable table, const std::vector<std::string>& ids);

}  // namespace genrewise
