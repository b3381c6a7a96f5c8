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
  std::string name;                        ///< "mobilenetv2"
  std::string description;                 ///< one line, for display
  std::string licence;                     ///< of the weights
  std::string url;                         ///< of the original file; of its web page if it is in a Python package
  std::string sha256;                      ///< of the original file; empty: its publisher provides none
  std::uint64_t bytes = 0;                 ///< to download, approximately; of a package: its share
  std::vector<std::string> file_names;     ///< accepted names of a local file; the first is the original's
  std::string package = {}, version = {};  ///< of the Python package that contains it; empty: it is a file of its own
};
/// mobilenetv2, efficientat, musicnn_msd, musicnn_mtt.
const std::vector<PretrainedNetwork>& pretrained_networks();
/// Throws Error that lists the existing names.
const PretrainedNetwork& find_pretrained_network(std::string_view name);
/// The networks that a name stands for: one network, those of a Python package ("musicnn"), or all (""). Throws as
/// above.
std::vector<const PretrainedNetwork*> select_pretrained_networks(std::string_view name);

/// The user's weights folder: $XDG_DATA_HOME/genrewise/weights, else ~/.local/share/genrewise/weights.
std::filesystem::path weights_folder();

/// Downloads the original file of that network into `folder` (empty: weights_folder()), resuming a partial download,
/// and verifies its checksum, or, where the publisher provides none, that it holds the network's weights: other content
/// is not kept. An existing file is only verified. `mirror`: base address that replaces the publisher's. Keras HDF5 is
/// converted at once where genrewise-neural is available. A network in a Python package is taken from the package index
/// (download_wheel()), converted to "NETWORK.safetensors" (values unchanged; metadata "source_sha256" is the package's
/// checksum), and the package is removed. Returns the path of the file to use. Throws Error, which states what to put
/// where when no server can be reached; Interrupted.
std::filesystem::path fetch_weights(std::string_view network, const std::filesystem::path& folder,
                                    const std::string& mirror, Progress& progress);

}  // namespace genrewise
