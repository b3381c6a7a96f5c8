// Embeddings by a pretrained body that stays frozen: each example's is computed once and replaces it in every epoch.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "genrewise/base/progress.hpp"
#include "genrewise/models/batch_source.hpp"
#include "genrewise/models/neural/layers/network.hpp"

namespace genrewise::neural {

/// Limit of the training part's embeddings (200,000 clips of MobileNetV2), which stay in memory during a fit. While
/// they are computed and stored, up to four times as much is in use.
inline constexpr std::size_t kMostEmbeddingBytes = std::size_t{1} << 30;

/// What changes training batches before they are embedded.
struct Stage {
  std::function<std::unique_ptr<BatchStream>(std::unique_ptr<BatchStream> before)> on;  ///< empty: nothing
  bool repeats = false;  ///< the same examples come again in later epochs: their embeddings are kept in memory
};

/// The source with embeddings as examples, in the order of the source for a table in memory; a pack is shuffled as a
/// whole. With a `stage`, training batches pass it and are embedded when they are read, in the order of the source;
/// only validation is embedded beforehand. `folder` (empty: none) is for embeddings.safetensors, in which later fits
/// find them: it is written at the end, once a minute, and on an interruption; one that is damaged or of another body
/// is replaced. Throws Interrupted, and what the source throws.
BatchSource embedded(const BatchSource& source, const BodyEngine& engine, const Stage& stage,
                     const std::filesystem::path& folder, Progress& progress);

}  // namespace genrewise::neural
