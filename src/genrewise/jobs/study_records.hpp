// Records (TFRecord packs) of the features that a study's networks are trained on.
#pragma once

#include <filesystem>
#include <string>

#include "genrewise/base/progress.hpp"
#include "genrewise/data_source/data_source.hpp"

namespace genrewise {

/// Packs the examples of a study, with its parts, as `genrewise pack` does; a finished pack of the same examples is
/// left unchanged. `replace`: a pack of other content is replaced (local folders only). A new pack is verified. Returns
/// a sentence for the user. Throws as pack_examples() does, and Error for a pack that does not verify.
std::string write_records(const DataSource& source, const Examples& examples, const FeatureTable& table,
                          const Split& split, const std::filesystem::path& location, bool replace, Progress& progress);

}  // namespace genrewise
