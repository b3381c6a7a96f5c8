#include "genrewise/pretrained/pretrained_networks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/neural_program.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/keras_layers.hpp"
#include "genrewise/storage/download.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

fs::path environment_path(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? fs::path(value) : fs::path();
}

/// Reads the weights, which converts Keras files; those cannot be read without genrewise-neural. Throws Error.
void check_weights(const PretrainedNetwork& network, const fs::path& path, Progress& progress) {
  if (find_neural_program().empty() && is_hdf5(read_file(path))) {
    progress.note(fmt::format("{}: is converted when it is used, for which genrewise-neural is needed", path.string()));
    return;
  }
  find_weights(network.name, path);
}

}  // namespace

const std::vector<PretrainedNetwork>& pretrained_networks() {
  static const std::string kMusicnnHome =
      "https://raw.githubusercontent.com/Quint-e/musicnn_keras/ad6cfb80517dadb9ef70ac73a5375074f7c8258f/"
      "musicnn_keras/keras_checkpoints/";
  static const std::vector<PretrainedNetwork> all = {
      {"mobilenetv2",
       "MobileNetV2 1.0, trained on ImageNet's pictures",
       "Apache-2.0",
       "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
       "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
       "",
       9'406'464,
       {"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5", "mobilenet_v2_imagenet.safetensors",
        "mobilenetv2.safetensors"}},
      {"efficientat",
       "EfficientAT mn04_as, trained on AudioSet's 527 classes of sounds",
       "MIT",
       "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/mn04_as_mAP_432.pt",
       "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
       4'200'000,
       {"mn04_as_mAP_432.pt", "efficientat_mn04_audioset.safetensors", "efficientat.safetensors"}},
      {"musicnn_msd",
       "musicnn, trained on 50 tags of the Million Song Dataset",
       "ISC",
       kMusicnnHome + "MSD_musicnn.h5",
       "412a832c8527a813e084ba6f2cc7d068ecbbf1b68bda8c1de2e7de0d1f5fe7d1",
       3'300'000,
       {"MSD_musicnn.h5", "msd_musicnn.safetensors", "musicnn_msd.safetensors"}},
      {"musicnn_mtt",
       "musicnn, trained on 50 tags of MagnaTagATune",
       "ISC",
       kMusicnnHome + "MTT_musicnn.h5",
       "1a66a2e58e862e894c088bd7789b05874becf994f275c54d9575dab83fab4ebe",
       3'300'000,
       {"MTT_musicnn.h5", "mtt_musicnn.safetensors", "musicnn_mtt.safetensors"}},
  };
  return all;
}

const PretrainedNetwork& find_pretrained_network(std::string_view name) {
  const auto& all = pretrained_networks();
  const auto found = std::ranges::find(all, name, &PretrainedNetwork::name);
  if (found != all.end()) return *found;
  std::vector<std::string> names;
  for (const PretrainedNetwork& one : all) names.push_back(one.name);
  throw Error(fmt::format("there are no pretrained weights \"{}\"", name), {},
              fmt::format("choose one of: {}", fmt::join(names, ", ")));
}

fs::path weights_folder() {
  fs::path data = environment_path("XDG_DATA_HOME");
  if (data.empty()) data = environment_path("HOME") / ".local" / "share";
  return data / "genrewise" / "weights";
}

fs::path fetch_weights(std::string_view network, const fs::path& folder, const std::string& mirror,
                       Progress& progress) {
  const PretrainedNetwork& pretrained = find_pretrained_network(network);
  const fs::path into = folder.empty() ? weights_folder() : folder;
  const std::string& file = pretrained.file_names.front();
  make_folders(into);
  DownloadRequest request{.url = mirror.empty() ? pretrained.url : mirror + (mirror.ends_with('/') ? "" : "/") + file,
                          .target = into / file,
                          .checksum = {}};
  const bool has_checksum = !pretrained.sha256.empty();
  if (has_checksum) request.checksum = Checksum{HashKind::sha256, pretrained.sha256};
  if (!has_checksum && fs::exists(request.target)) {
    try {
      check_weights(pretrained, request.target, progress);
      return request.target;
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      throw Error(error.problem(), error.where(), "remove it and fetch it again");
    }
  }
  try {
    download(request, progress);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    throw Error(error.problem(), error.where(),
                fmt::format("{}{}to do without this download, put {} from {} into {}", error.remedy(),
                            error.remedy().empty() ? "" : "; ", file, pretrained.url, into.string()));
  }
  try {
    check_weights(pretrained, request.target, progress);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    if (has_checksum) throw;
    remove_file(request.target);
    throw Error(fmt::format("what {} sent was not kept: {}", request.url, error.problem()), request.target.string(),
                "try again later, or give another address with --mirror");
  }
  return request.target;
}

}  // namespace genrewise
