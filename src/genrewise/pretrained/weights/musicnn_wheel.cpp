// Weights inside the Python package musicnn.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/formats.hpp"

namespace genrewise {
namespace {

/// The values of a checkpoint in version 0.1.0.
struct Checkpoint {
  std::string_view network, file, sha256;
};
constexpr Checkpoint kCheckpoints[] = {{"musicnn_msd", "musicnn/MSD_musicnn/.data-00000-of-00001",
                                        "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6"},
                                       {"musicnn_mtt", "musicnn/MTT_musicnn/.data-00000-of-00001",
                                        "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab"}};

/// TensorFlow 1 numbers all layers of a kind in the order of the network; Keras' model names some of them.
std::string tensorflow_layer(const std::string& layer) {
  static const std::map<std::string, std::string> names = {
      {"midend_conv1", "conv2d_5"},
      {"midend_conv2", "conv2d_6"},
      {"midend_conv3", "conv2d_7"},
      {"bn_midend_conv1", "batch_normalization_6"},
      {"bn_midend_conv2", "batch_normalization_7"},
      {"bn_midend_conv3", "batch_normalization_8"},
      {"bn_flatpool", "batch_normalization_9"},
      {"bn_dense", "batch_normalization_10"},
  };
  const auto found = names.find(layer);
  return found == names.end() ? layer : found->second;
}

/// "bn_dense.beta" -> "batch_normalization_10/beta"; "conv2d.kernel_1" -> "conv2d/kernel".
std::string tensorflow_name(const std::string& expected) {
  const auto dot = expected.find('.');
  std::string variable = expected.substr(dot + 1);
  if (variable.ends_with("_1")) variable.resize(variable.size() - 2);
  return tensorflow_layer(expected.substr(0, dot)) + "/" + variable;
}

/// The bytes of each variable in a checkpoint's data file. TensorFlow stores them one behind the other, sorted by name:
/// the network's, two of the optimiser Adam for each that is trained, and two more of Adam.
std::map<std::string, std::string_view> variables_in(std::string_view data, const std::vector<TensorShape>& tensors) {
  std::map<std::string, std::size_t> sizes = {{"beta1_power", sizeof(float)}, {"beta2_power", sizeof(float)}};
  for (const TensorShape& tensor : tensors) {
    const std::string name = tensorflow_name(tensor.name);
    sizes[name] = sizeof(float);
    for (const std::size_t dimension : tensor.shape) sizes[name] *= dimension;
    const bool trained = name.find("/moving_") == std::string::npos;
    if (trained) sizes[name + "/Adam"] = sizes[name + "/Adam_1"] = sizes[name];
  }
  std::map<std::string, std::string_view> variables;
  for (const auto& [name, size] : sizes) {
    variables[name] = data.substr(0, size);
    data.remove_prefix(size);
  }
  return variables;
}

}  // namespace

bool is_musicnn_wheel(const ArchiveFiles& wheel) {
  return std::ranges::any_of(kCheckpoints, [&](const Checkpoint& one) { return wheel.contains(one.file); });
}

TensorArchive read_musicnn_wheel(std::string_view network, const ArchiveFiles& wheel, const std::string& name) {
  const auto* checkpoint = std::ranges::find(kCheckpoints, network, &Checkpoint::network);
  if (checkpoint == std::end(kCheckpoints))
    throw Error(fmt::format("holds weights of musicnn, not of {}", network), name,
                fmt::format("give the weights of {} (genrewise fetch weights {})", network, network));
  const auto data = wheel.find(checkpoint->file);
  if (data == wheel.end() || sha256_hex(data->second) != checkpoint->sha256)
    throw Error(fmt::format("is not the package musicnn 0.1.0: its {} is {}", checkpoint->file,
                            data == wheel.end() ? "missing" : "another one"),
                name, fmt::format("get it again (genrewise fetch weights {})", network));
  const std::vector<TensorShape> tensors = expected_tensors(network);
  const auto variables = variables_in(data->second, tensors);
  TensorArchive archive(name);
  for (const TensorShape& tensor : tensors)
    archive.put(tensor.name, Tensor{"F32", tensor.shape, variables.at(tensorflow_name(tensor.name))});
  return archive;
}

}  // namespace genrewise
