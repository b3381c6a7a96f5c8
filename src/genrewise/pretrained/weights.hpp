// Weights of pretrained networks: finding, reading and validating their files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/pretrained/pretrained_networks.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

/// A tensor that a network's weights must contain.
struct TensorShape {
  std::string name;
  std::vector<std::size_t> shape;
};
/// All tensors of the network, by their names after find_weights(): mobilenetv2 `stem`, `blocks.N.expand`,
/// `blocks.N.depthwise`, `blocks.N.project`, `head`, each `.weight` (OIHW) and `.bias`, batch normalisation folded;
/// efficientat torchvision's names with batch-norm statistics; musicnn Keras' layer names, HWIO.
std::vector<TensorShape> expected_tensors(std::string_view network);

/// The validated weights of that network: every expected tensor is present, F32 and of its shape; others are dropped.
/// `given` is a file or a folder; empty: what the current Runtime names, else $GENREWISE_WEIGHTS (a file or a folder),
/// weights_folder() and ./weights are searched in that order. Reads safetensors, PyTorch's .pt / .pth (a zip with a
/// state dict, of which only tensors are read; nothing is executed), Keras' .h5 and the Python package musicnn (.whl,
/// with TensorFlow checkpoints), distinguished by their content. Metadata "values_sha256" is the checksum of all names,
/// shapes and values, independent of the file format. Throws Error: no file (states what to fetch or put where), a
/// damaged file, weights of another network, a wrong shape.
TensorArchive find_weights(std::string_view network, const std::filesystem::path& given = {});

/// Whether find_weights() would read a file for that network; the file is not opened. A file that is named (instead of
/// a folder) counts unless its name is one of another network only.
bool has_weights(std::string_view network);
std::vector<std::filesystem::path> weights_locations();

}  // namespace genrewise
