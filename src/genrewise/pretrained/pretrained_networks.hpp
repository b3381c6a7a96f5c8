// The pretrained networks: what there is, where it comes from, and where it is kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/progress.hpp"

namespace genrewise {

/// A network whose weights others have trained, and the public home of the file.
struct PretrainedNetwork {
  std::string name;                     ///< "mobilenetv2"
  std::string description;              ///< one line for people
  std::string licence;                  ///< of the weights
  std::string url;                      ///< of the original file
  std::string sha256;                   ///< of the original file; empty: its home publishes none
  std::uint64_t bytes = 0;              ///< of the original file, about
  std::vector<std::string> file_names;  ///< under which it is looked for in a folder; the first is the original's
};
/// mobilenetv2, efficientat, musicnn_msd, musicnn_mtt.
const std::vector<PretrainedNetwork>& pretrained_networks();
/// Throws Error that lists the names that there are.
const PretrainedNetwork& find_pretrained_network(std::string_view name);

/// The folder where weights are kept for this person: $XDG_DATA_HOME/genrewise/weights, else
/// ~/.local/share/genrewise/weights.
std::filesystem::path weights_folder();

/// Downloads the original file of that network into `folder` (empty: weights_folder()), with resume, and verifies its
/// checksum where its home publishes one; a file that is there already is only verified. `mirror`: the address that the
/// file's name is added to, in place of its home. Keras' HDF5 is converted at once where genrewise-neural is. Returns
/// the file's path. Throws Error, which says what to put where when no server can be reached; Interrupted.
std::filesystem::path fetch_weights(std::string_view network, const std::filesystem::path& folder,
                                    const std::string& mirror, Progress& progress);

}  // namespace genrewise
