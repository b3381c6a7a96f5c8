// Pictures and statistics of the training part of a study: the member "exploration" of results.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {

/// {"clips", "distributions", "projections"} (docs/results_format.md#exploration). Uses the training part only.
/// - clips: for each of at most 16 genres the clip whose features are nearest to its genre's median, decoded once (at
///   most 30 s of it). A clip that cannot be decoded is left out; a note states why. Empty for sources without audio.
/// - distributions: of the columns of `examples` with the largest ANOVA F.
/// - projections: PCA of a sample of each feature set, and t-SNE of at most 1,000 examples of it.
/// `sets`: the feature sets that models name; those other than that of `examples` are loaded by `table_of`, one at a
/// time. Throws Error as `table_of` does and if an object store fails, Interrupted on Ctrl-C.
nlohmann::json explore(const DataSource& source, const Examples& examples, const Split& split,
                       const std::vector<std::string>& sets, const TableSource& table_of, std::uint64_t seed,
                       Progress& progress);

/// For each track its picture (an entry of "clips" without its genre) or the fault for which there is none. Decodes at
/// most 30 s of each clip, in parallel.
std::vector<Expected<nlohmann::json>> clip_pictures(const std::vector<const Track*>& tracks);

/// One-way ANOVA F of each column between the labels of these rows, as scikit-learn's f_classif; 0 for a constant
/// column and where F is undefined (fewer than two labels, or no more rows than labels), at most 1e9 (a column that
/// separates the labels without any variation within them). `labels`: of every row of `values`.
std::vector<double> anova_f(const Matrix& values, const std::vector<std::size_t>& rows, const std::vector<int>& labels,
                            std::size_t label_count);

/// Exact t-SNE (van der Maaten and Hinton, 2008) of the rows in two dimensions: rows x 2. Perplexity 30, or a third of
/// the other rows if that is less; 750 iterations, of which 250 with early exaggeration 12; starts from the first two
/// columns, which are the first two principal components (Kobak and Berens, 2019). Quadratic in the rows; the same
/// figures for any number of threads. Needs at least four rows and two columns.
Matrix tsne(const Matrix& components);

}  // namespace genrewise
