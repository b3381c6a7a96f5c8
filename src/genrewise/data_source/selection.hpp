// Subsets of examples: some of the features, some of the rows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "genrewise/data_source/examples.hpp"

namespace genrewise {

/// Columns of these features: the name of one, names joined by "+" ("mfcc+spectral_contrast"), or "all". Throws Error
/// for an unknown name, listing the existing ones.
std::vector<std::size_t> columns_of(const std::vector<FeatureColumn>& columns, std::string_view features);

/// Names of the features, in the table's order.
std::vector<std::string> feature_names(const std::vector<FeatureColumn>& columns);

/// The same examples with these features only; the recipe's name and hash reflect the selection.
Examples select_features(const Examples& examples, std::string_view features);

/// These rows only; genres without a row stay in the list.
Examples select_examples(const Examples& examples, const std::vector<std::size_t>& rows);

/// The rows of all, in that order. Throws Error unless they have the same recipe and columns and no id twice.
Examples join_examples(std::vector<Examples> all);

/// Removes genres without examples from the list; the others keep their order.
void drop_absent_genres(Examples& examples);

/// The rows of the table with these ids, in that order. Throws Error for an unknown id.
FeatureTable select_tracks(FeatureTable table, const std::vector<std::string>& ids);

}  // namespace genrewise
