// Readers of the formats in which weights are published. Private to this room.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

/// What torch.save() wrote of a dictionary of tensors (PyTorch 1.6 and later: a zip with `data.pkl` and one file per
/// storage). The pickle is interpreted by a reader that knows dictionaries, numbers, text and tensors; a file that asks
/// for any other object is refused, and nothing of it is ever executed. Float tensors come as F32, others are left out.
/// Dictionaries inside the dictionary are taken as "outer.inner". Throws Error for what is damaged or something else.
TensorArchive parse_torch_file(std::string_view bytes, const std::string& name);

/// A layer of a Keras model and its variables, in the order in which the model has them.
struct KerasVariable {
  std::string name;  ///< "kernel", "gamma", ...: the last part of its path, without ":0"
  std::vector<std::size_t> shape;
  std::vector<float> values;
};
struct KerasLayer {
  std::string name;
  std::vector<KerasVariable> variables;
};

/// What Keras' save_weights() or save() wrote to HDF5: the layers that have variables, in the order of the attribute
/// "layer_names". Throws Error.
std::vector<KerasLayer> read_keras_file(const std::filesystem::path& path);

}  // namespace genrewise
