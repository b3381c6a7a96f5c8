#include "genrewise/pretrained/weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/pretrained/weights/formats.hpp"
#include "genrewise/pretrained/weights/keras_layers.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

std::string shape_text(const std::vector<std::size_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

bool is_depthwise(const KerasVariable& kernel) {
  return kernel.name.starts_with("depthwise");
}

/// The shape in PyTorch's layout: OIHW of TensorFlow's HWIO, and C1HW of a depthwise HWC1.
std::vector<std::size_t> oihw_shape(const KerasVariable& kernel) {
  const std::size_t height = kernel.shape[0], width = kernel.shape[1], in = kernel.shape[2], out = kernel.shape[3];
  return is_depthwise(kernel) ? std::vector{in, out, height, width} : std::vector{out, in, height, width};
}

/// The values in that layout. The shape must have been checked: a file may state any sides beside one of 0.
std::vector<float> to_oihw(const KerasVariable& kernel) {
  const std::size_t height = kernel.shape[0], width = kernel.shape[1], in = kernel.shape[2], out = kernel.shape[3];
  const bool depthwise = is_depthwise(kernel);
  std::vector<float> values(kernel.values.size());
  for (std::size_t at = 0, y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t i = 0; i < in; ++i)
        for (std::size_t o = 0; o < out; ++o, ++at) {
          const std::size_t channel = depthwise ? i * out + o : o * in + i;
          values[(channel * height + y) * width + x] = kernel.values[at];
        }
  return values;
}

/// Keras' MobileNetV2 alternates convolutions without bias and batch normalisations, in the order of the network.
/// Layers are identified by that order, because their names differ between Keras versions.
TensorArchive from_keras_mobilenet(const std::vector<KerasLayer>& layers, const std::string& name) {
  TensorArchive archive(name);
  const auto expected = expected_tensors("mobilenetv2");
  const auto fail = [&](std::size_t i) {
    throw Error(
        fmt::format("holds weights of another network: its layer {} is at a position where MobileNetV2 1.0 has another",
                    i < layers.size() ? layers[i].name : "after the last"),
        name, "give Keras' mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5");
  };
  for (std::size_t i = 0; 2 * i < expected.size(); ++i) {
    if (2 * i + 1 >= layers.size()) fail(layers.size());
    const auto &convolution = layers[2 * i].variables, &statistics = layers[2 * i + 1].variables;
    if (convolution.size() != 1 || convolution[0].shape.size() != 4) fail(2 * i);
    const std::vector<std::size_t>& shape = expected[2 * i].shape;
    if (oihw_shape(convolution[0]) != shape) fail(2 * i);
    const bool normalises = statistics.size() == 4 && std::ranges::all_of(statistics, [&](const KerasVariable& one) {
                              return one.values.size() == shape[0];
                            });
    if (!normalises) fail(2 * i + 1);
    std::vector<float> weight = to_oihw(convolution[0]);
    const std::vector<float> bias = fold_normalisation(weight, statistics[0].values, statistics[1].values,
                                                       statistics[2].values, statistics[3].values);
    archive.put(expected[2 * i].name, std::span<const float>(weight), shape);
    archive.put(expected[2 * i + 1].name, std::span<const float>(bias));
  }
  return archive;
}

/// "kernel_1" and "kernel" are the same variable: Keras numbers the models of one process.
std::string without_number(std::string name) {
  const auto underscore = name.rfind('_');
  const bool numbered = underscore != name.npos && underscore + 1 < name.size() &&
                        std::all_of(name.begin() + static_cast<std::ptrdiff_t>(underscore) + 1, name.end(),
                                    [](char c) { return c >= '0' && c <= '9'; });
  return numbered ? name.substr(0, underscore) : name;
}

TensorArchive from_keras_names(std::string_view network, const std::vector<KerasLayer>& layers,
                               const std::string& name) {
  std::map<std::string, const KerasVariable*> variables;
  for (const KerasLayer& layer : layers)
    for (const KerasVariable& variable : layer.variables)
      variables.emplace(layer.name + "." + without_number(variable.name), &variable);
  TensorArchive archive(name);
  for (const TensorShape& required : expected_tensors(network)) {
    const auto found = variables.find(without_number(required.name));
    if (found == variables.end() || found->second->shape.empty()) continue;  // reported by checked()
    archive.put(required.name, std::span<const float>(found->second->values), found->second->shape);
  }
  return archive;
}

TensorArchive from_keras(std::string_view network, const std::vector<KerasLayer>& layers, const std::string& name) {
  return network == "mobilenetv2" ? from_keras_mobilenet(layers, name) : from_keras_names(network, layers, name);
}

/// Only the expected tensors, and all of them.
TensorArchive checked(std::string_view network, const TensorArchive& read) {
  TensorArchive archive(read.name());
  archive.metadata = read.metadata;
  Hasher hasher(HashKind::sha256);
  const auto expected = expected_tensors(network);
  const auto here = [&](const TensorShape& one) { return read.contains(one.name); };
  const auto missing = std::ranges::find_if_not(expected, here);
  if (missing != expected.end()) {
    const auto found = std::ranges::count_if(expected, here);
    if (found == 0 && read.contains("features.0.0.weight") && network == "mobilenetv2")
      throw Error("holds torchvision's layout, whose MobileNetV2 expects other input and padding", read.name(),
                  "give Keras' weights: genrewise fetch weights mobilenetv2");
    throw Error(fmt::format("holds weights of another network: {} of the {} tensors of {} are there, and {} is not",
                            found, expected.size(), network, missing->name),
                read.name(), fmt::format("give the weights of {} (genrewise fetch weights {})", network, network));
  }
  for (const TensorShape& required : expected) {
    const Tensor& tensor = read.tensor(required.name);
    if (tensor.shape != required.shape || tensor.dtype != "F32")
      throw Error(
          fmt::format("holds weights of another network: tensor {} is {} {}, and {} needs F32 {}", required.name,
                      tensor.dtype, shape_text(tensor.shape), network, shape_text(required.shape)),
          read.name(), fmt::format("give the weights of {} (genrewise fetch weights {})", network, network));
    const std::vector<float> values = read.floats(required.name);
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
      throw Error(fmt::format("tensor {} has values that are not finite", required.name), read.name(),
                  "get the file again");
    archive.put(required.name, std::span<const float>(values), required.shape);
    hasher.update(fmt::format("{} {}\n", required.name, shape_text(required.shape)));
    hasher.update(tensor.bytes);
  }
  archive.metadata["values_sha256"] = hasher.hex();
  return archive;
}

TensorArchive read_weights(std::string_view network, const fs::path& path) {
  std::string bytes = read_file(path);
  const std::string name = path.string();
  if (bytes.empty()) throw Error("is empty", name, fmt::format("genrewise fetch weights {}", network));
  if (bytes.starts_with("PK\x03\x04")) {
    const ArchiveFiles files = read_archive(bytes, name);
    return checked(network,
                   is_musicnn_wheel(files) ? read_musicnn_wheel(network, files, name) : parse_torch_file(files, name));
  }
  if (is_hdf5(bytes)) return checked(network, from_keras(network, keras_layers(path, bytes), name));
  const TensorArchive archive = TensorArchive::parse(std::move(bytes), name);
  if (archive.seal() == Seal::broken)
    throw Error("was changed or damaged (its checksum does not fit)", name, "get the file again");
  if (archive.metadata.contains("keras_layers"))
    return checked(network, from_keras(network, unpack_keras_layers(archive), name));
  return checked(network, archive);
}

}  // namespace

std::vector<fs::path> weights_locations() {
  const fs::path chosen = Runtime::current().weights();
  const fs::path environment = chosen.empty() ? fs::path(environment_variable("GENREWISE_WEIGHTS")) : chosen;
  std::vector<fs::path> locations;
  if (!environment.empty()) locations.push_back(environment);
  locations.insert(locations.end(), {weights_folder(), "weights"});
  return locations;
}

bool has_weights(std::string_view network) {
  const auto is_of = [](const PretrainedNetwork& one, const std::string& file) {
    return std::ranges::find(one.file_names, file) != one.file_names.end();
  };
  const PretrainedNetwork& pretrained = find_pretrained_network(network);
  for (const fs::path& location : weights_locations()) {
    if (is_reachable_file(location)) {
      const std::string file = location.filename();
      return is_of(pretrained, file) || std::ranges::none_of(pretrained_networks(), [&](const PretrainedNetwork& one) {
               return is_of(one, file);
             });
    }
    for (const std::string& file : pretrained.file_names)
      if (is_reachable_file(location / file)) return true;
  }
  return false;
}

TensorArchive find_weights(std::string_view network, const fs::path& given) {
  const PretrainedNetwork& pretrained = find_pretrained_network(network);
  const std::vector<fs::path> locations = given.empty() ? weights_locations() : std::vector{given};
  const auto is_there = given.empty() ? is_reachable_file : is_file;
  for (const fs::path& location : locations) {
    if (is_there(location)) return read_weights(network, location);
    for (const std::string& file : pretrained.file_names)
      if (is_there(location / file)) return read_weights(network, location / file);
  }
  std::vector<std::string> searched;
  for (const fs::path& location : locations) searched.push_back(location.string());
  throw Error(fmt::format("the pretrained weights of {} were not found: none of {} is in {}", network,
                          fmt::join(pretrained.file_names, ", "), fmt::join(searched, ", ")),
              {},
              fmt::format("get them: genrewise fetch weights {}; or, without a network, copy {} (from {}) into {}, or "
                          "name its location with --weights",
                          network, pretrained.file_names.front(), pretrained.url, weights_folder().string()));
}

}  // namespace genrewise
