// Keras layers, converted from HDF5 by genrewise-neural. Private to this module and the converter.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

/// A layer of a Keras model and its variables, in the model's order.
struct KerasVariable {
  std::string name;  ///< last part of its path, without ":0": "kernel", "gamma", ...
  std::vector<std::size_t> shape;
  std::vector<float> values;
};
struct KerasLayer {
  std::string name;
  std::vector<KerasVariable> variables;
};

/// The converted form: tensor "I.J" is variable J of layer I, their names are in the metadata "keras_layers" (JSON);
/// "source_sha256" is the checksum of the HDF5 file's bytes.
TensorArchive pack_keras_layers(const std::vector<KerasLayer>& layers, const std::string& source_sha256);
/// Throws Error for any other archive.
std::vector<KerasLayer> unpack_keras_layers(const TensorArchive& archive);

/// Metadata of converted weights: the SHA-256 of the original file.
inline constexpr const char* kSourceSha256 = "source_sha256";
/// Whether the safetensors file `path` exists, is undamaged and was converted from the file with that checksum.
bool is_converted_from(const std::filesystem::path& path, const std::string& sha256);

bool is_hdf5(std::string_view bytes);

/// The layers of a Keras .h5 file with these bytes. It is converted once, into a .safetensors file of the same name
/// beside it (a temporary file where that folder is not writable), by `genrewise-neural convert-weights` in a separate
/// process, because HDF5 is not hardened against malicious files. Throws Error: genrewise-neural is missing, the file
/// is damaged; Interrupted.
std::vector<KerasLayer> keras_layers(const std::filesystem::path& h5, std::string_view bytes);

}  // namespace genrewise
