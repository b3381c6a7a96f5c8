// Reader of Keras weights in HDF5.
#pragma once

#include <filesystem>
#include <vector>

#include "genrewise/pretrained/weights/keras_layers.hpp"

namespace genrewise {

/// Reads a file written by Keras' save_weights() or save(): the layers that have variables, in the order of the
/// attribute "layer_names". Turns off HDF5's error printing for good. Throws Error.
std::vector<KerasLayer> read_keras_file(const std::filesystem::path& path);

/// Writes these layers to `target` in the format of find_weights() (pretrained/weights/keras_layers.hpp). Throws Error.
void convert_keras_file(const std::filesystem::path& path, const std::filesystem::path& target);

}  // namespace genrewise
