// The pretrained networks: names, sources and local files of their weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/progress.hpp"

namespace genrewise {

/// A pretrained network and the public source of its weights.
struct PretrainedNetwork {
  std::string name;                     ///< "mobilenetv2"
  std::string description;              ///< one line, for display
  std::string licence;                  ///< of the weights
  std::string url;                      ///< of the original file
  std::string sha256;                   ///< of the original file; empty: its publisher provides none
  std::uint64_t bytes = 0;              ///< of the original file, approximately
  std::vector<std::string> file_names;  ///< accepted names of a local file; the first is the original's
};
/// mobilenetv2, efficientat, musicnn_msd, musicnn_mtt.
const std::vector<PretrainedNetwork>& pretrained_networks();
/// Throws Error that lists the existing names.
const PretrainedNetwork& find_pretrained_network(std::string_view name);

/// The user's weights folder: $XDG_DATA_HOME/genrewise/weights, else ~/.local/share/genrewise/weights.
std::filesystem::path weights_folder();

/// Downloads the original file of that network into `folder` (empty: weights_folder()), resuming a partial download,
/// and verifies its checksum, or, where the publisher provides none, that it holds the network's weights: what does not
/// is not kept. An existing file is only verified. `mirror`: base
/// address that replaces the publisher's. Keras HDF5 is converted at once where genrewise-neural is available. Returns
/// the file's path. Throws Error, which states what to put where when no server can be reached; Interrupted.
std::filesystem::path fetch_weights(std::string_view network, const std::filesystem::path& folder,
                                    const std::string& mirror, Progress& progress);

}  // namespace genrewise
