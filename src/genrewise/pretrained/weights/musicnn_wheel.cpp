// Weights inside the Python package musicnn.
#include <fmt/format.h>

#include <map>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/formats.hpp"
#include "genrewise/pretrained/weights/tensor_bundle.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kLargestIndex = 1 << 20, kLargestData = 32 << 20;  // 5 KB and 9.5 MB in 0.1.0

std::string folder_of(std::string_view network) {
  if (network == "musicnn_msd") return "musicnn/MSD_musicnn/";
  if (network == "musicnn_mtt") return "musicnn/MTT_musicnn/";
  return {};
}

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

}  // namespace

bool is_musicnn_wheel(const ZipFile& wheel) {
  return wheel.contains(folder_of("musicnn_msd") + ".index") || wheel.contains(folder_of("musicnn_mtt") + ".index");
}

TensorArchive read_musicnn_wheel(std::string_view network, const ZipFile& wheel, const std::string& name) {
  const std::string folder = folder_of(network);
  if (folder.empty())
    throw Error(fmt::format("holds weights of musicnn, not of {}", network), name,
                fmt::format("give the weights of {} (genrewise fetch weights {})", network, network));
  const std::string index = wheel.read(folder + ".index", kLargestIndex);
  const std::string data = wheel.read(folder + ".data-00000-of-00001", kLargestData);
  const TensorArchive checkpoint = parse_tensor_bundle(index, data, name);
  TensorArchive archive(name);
  for (const TensorShape& required : expected_tensors(network)) {
    const std::string source = tensorflow_name(required.name);
    if (checkpoint.contains(source)) archive.put(required.name, checkpoint.tensor(source));
  }
  return archive;
}

}  // namespace genrewise
