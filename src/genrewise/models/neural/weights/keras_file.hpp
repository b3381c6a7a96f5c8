// Keras' weights in HDF5.
#pragma once

#include <filesystem>
#include <vector>

#include "genrewise/pretrained/weights/keras_layers.hpp"

namespace genrewise {

/// What Keras' save_weights() or save() wrote to HDF5: the layers that have variables, in the order of the attribute
/// "layer_names". Throws Error.
std::vector<KerasLayer> read_keras_file(const std::filesystem::path& path);

/// Writes those layers to `target` as find_weights() reads them (pretrained/weights/keras_layers.hpp). Throws Error.
void convert_keras_file(const std::filesystem::path& path, const std::filesystem::path& target);

}  // namespace genrewise
