#include "genrewise/pretrained/weights/keras_layers.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/pretrained/neural_program.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kLayers = "keras_layers";
constexpr const char* kRemedy = "remove it; it is made again from the .h5 file";

void convert(const fs::path& h5, const fs::path& target) {
  const fs::path program =
      require_neural_program("Keras weights (.h5) are converted by", h5.string(),
                             "put " + target.filename().string() + ", converted elsewhere, beside the file");
  std::string output;
  const int code =
      run_process({program.string(), "convert-weights", absolute_path(h5).string(), absolute_path(target).string()}, {},
                  [&](std::string_view piece) { output += piece; });
  if (code == 0 && path_exists(target)) return;
  // The converter's last line is its error as JSON, unless it crashed or exceeded its time or memory limit.
  while (output.ends_with('\n')) output.pop_back();
  const std::string last = output.substr(output.rfind('\n') + 1);
  if (const json error = try_parse_json(last); error.is_object() && error.contains("problem"))
    throw Error(error.value("problem", ""), error.value("where", h5.string()), error.value("remedy", ""));
  const int signal = code - 128;
  const std::string how = signal == SIGXCPU || signal == SIGALRM ? fmt::format("took longer than {} s", kConversion_s)
                          : signal > 0                           ? fmt::format("crashed (signal {})", signal)
                                                                 : fmt::format("failed (exit code {})", code);
  throw Error(fmt::format("the converter of Keras weights {}{}{}", how, last.empty() ? "" : ": ", last), h5.string(),
              "get the file again; it may be damaged");
}

std::vector<KerasLayer> read_converted(const fs::path& path) {
  return unpack_keras_layers(TensorArchive::read(path));
}

}  // namespace

TensorArchive pack_keras_layers(const std::vector<KerasLayer>& layers, const std::string& source_sha256) {
  TensorArchive archive;
  json names = json::array();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    json variables = json::array();
    for (std::size_t j = 0; j < layers[i].variables.size(); ++j) {
      const KerasVariable& variable = layers[i].variables[j];
      variables.push_back(variable.name);
      archive.put(fmt::format("{}.{}", i, j), std::span<const float>(variable.values), variable.shape);
    }
    names.push_back({{"name", layers[i].name}, {"variables", variables}});
  }
  archive.metadata[kLayers] = names.dump(-1, ' ', false, json::error_handler_t::replace);
  archive.metadata[kSourceSha256] = source_sha256;
  return archive;
}

std::vector<KerasLayer> unpack_keras_layers(const TensorArchive& archive) {
  const auto text = archive.metadata.find(kLayers);
  const json names = text == archive.metadata.end() ? json() : parse_json(text->second, archive.name(), kRemedy);
  if (!names.is_array()) throw Error("holds no converted Keras layers", archive.name(), kRemedy);
  std::vector<KerasLayer> layers;
  try {
    for (std::size_t i = 0; i < names.size(); ++i) {
      KerasLayer layer{names[i].at("name").get<std::string>(), {}};
      for (std::size_t j = 0; j < names[i].at("variables").size(); ++j) {
        const std::string tensor = fmt::format("{}.{}", i, j);
        KerasVariable variable{names[i].at("variables")[j].get<std::string>(), archive.tensor(tensor).shape, {}};
        variable.values = archive.floats(tensor);
        layer.variables.push_back(std::move(variable));
      }
      layers.push_back(std::move(layer));
    }
  } catch (const json::exception&) {
    throw Error("its list of Keras layers is damaged", archive.name(), kRemedy);
  }
  return layers;
}

bool is_converted_from(const fs::path& path, const std::string& sha256) {
  if (!is_file(path)) return false;
  try {
    const TensorArchive archive = TensorArchive::read_sealed(path, {});
    const auto source = archive.metadata.find(kSourceSha256);
    return source != archive.metadata.end() && source->second == sha256;
  } catch (const Error&) {  // a damaged file, or another one of that name
    return false;
  }
}

bool is_hdf5(std::string_view bytes) {
  return bytes.starts_with("\x89HDF\r\n\x1a\n");
}

std::vector<KerasLayer> keras_layers(const fs::path& h5, std::string_view bytes) {
  const std::string sha256 = sha256_hex(bytes);
  fs::path converted = h5;
  converted.replace_extension(".safetensors");
  if (is_converted_from(converted, sha256)) return read_converted(converted);
  const fs::path folder = absolute_path(h5).parent_path();
  const bool taken = path_exists(converted);  // by a file that is not a conversion of this one
  if (!taken && ::access(folder.c_str(), W_OK) == 0) {
    convert(h5, converted);
    return read_converted(converted);
  }
  const std::string name = fmt::format("genrewise-{}-{}", ::getpid(), sha256.substr(0, 16));
  const WorkFolder work(temporary_folder() / name);
  const fs::path temporary = work.path() / (name + ".safetensors");
  convert(h5, temporary);
  return read_converted(temporary);
}

}  // namespace genrewise
