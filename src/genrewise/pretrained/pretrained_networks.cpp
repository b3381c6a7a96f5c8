#include "genrewise/pretrained/pretrained_networks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/pretrained/neural_program.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/keras_layers.hpp"
#include "genrewise/storage/download.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/python_index.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

/// Reads the weights, which converts Keras files; those cannot be read without genrewise-neural. Throws Error.
void check_weights(const PretrainedNetwork& network, const fs::path& path, Progress& progress) {
  if (find_neural_program().empty() && is_hdf5(read_file(path))) {
    progress.note(fmt::format("{}: is converted when it is used, for which genrewise-neural is needed", path.string()));
    return;
  }
  find_weights(network.name, path);
}

/// Writes all networks of the package as NETWORK.safetensors beside it, then removes it.
void convert_package(const fs::path& file, const PretrainedNetwork& one, const fs::path& folder) {
  for (const PretrainedNetwork* network : select_pretrained_networks(one.package)) {
    TensorArchive weights = find_weights(network->name, file);
    weights.metadata[kSourceSha256] = network->sha256;
    weights.metadata["licence"] = network->licence;
    write_file(folder / (network->name + ".safetensors"), weights.serialise());
  }
  remove_path(file);
}

}  // namespace

const std::vector<PretrainedNetwork>& pretrained_networks() {
  static const std::string kMusicnnPage = "https://pypi.org/project/musicnn/0.1.0/#files",
                           kMusicnnWheel = "musicnn-0.1.0-py3-none-any.whl",
                           kMusicnnSum = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa";
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
       kMusicnnPage,
       kMusicnnSum,
       14'646'238,
       {kMusicnnWheel, "musicnn_msd.safetensors", "msd_musicnn.safetensors", "MSD_musicnn.h5"},
       "musicnn",
       "0.1.0"},
      {"musicnn_mtt",
       "musicnn, trained on 50 tags of MagnaTagATune",
       "ISC",
       kMusicnnPage,
       kMusicnnSum,
       14'646'238,
       {kMusicnnWheel, "musicnn_mtt.safetensors", "mtt_musicnn.safetensors", "MTT_musicnn.h5"},
       "musicnn",
       "0.1.0"},
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

std::vector<const PretrainedNetwork*> select_pretrained_networks(std::string_view name) {
  std::vector<const PretrainedNetwork*> selected;
  for (const PretrainedNetwork& one : pretrained_networks())
    if (name.empty() || one.name == name || one.package == name) selected.push_back(&one);
  if (selected.empty()) find_pretrained_network(name);  // throws
  return selected;
}

fs::path weights_folder() {
  fs::path data = environment_variable("XDG_DATA_HOME");
  if (data.empty()) data = fs::path(environment_variable("HOME")) / ".local" / "share";
  return data / "genrewise" / "weights";
}

fs::path fetch_weights(std::string_view network, const fs::path& folder, const std::string& mirror,
                       Progress& progress) {
  const PretrainedNetwork& pretrained = find_pretrained_network(network);
  const fs::path into = folder.empty() ? weights_folder() : folder;
  const std::string& file = pretrained.file_names.front();
  const fs::path converted = into / (pretrained.name + ".safetensors");
  if (!pretrained.package.empty() && is_converted_from(converted, pretrained.sha256)) return converted;
  make_folders(into);
  DownloadRequest request{.url = mirror.empty() ? pretrained.url : mirror + (mirror.ends_with('/') ? "" : "/") + file,
                          .target = into / file,
                          .checksum = {}};
  const bool has_checksum = !pretrained.sha256.empty();
  if (has_checksum) request.checksum = Checksum{HashKind::sha256, pretrained.sha256};
  if (!has_checksum && path_exists(request.target)) {
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
    if (pretrained.package.empty() || !mirror.empty()) {
      download(request, progress);
    } else {
      download_wheel({pretrained.package, pretrained.version, file, pretrained.sha256}, into, progress);
    }
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    throw Error(error.problem(), error.where(),
                fmt::format("{}{}to do without this download, put {} from {} into {}", error.remedy(),
                            error.remedy().empty() ? "" : "; ", file, pretrained.url, into.string()));
  }
  if (!pretrained.package.empty()) {
    convert_package(request.target, pretrained, into);
    return converted;
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
