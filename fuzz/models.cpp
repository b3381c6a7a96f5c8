// Files of models and weights: .gwm, safetensors, .pt, .h5, .npy, zip archives; messages of genrewise-neural.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "genrewise/base/message.hpp"
#include "genrewise/features/npy.hpp"
#include "genrewise/models/model.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/formats.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/archive.hpp"
#include "targets.hpp"
#ifdef GENREWISE_HDF5
#include "genrewise/models/neural/weights/keras_file.hpp"
#endif

namespace genrewise::fuzz {
namespace {

// A model that loads predicts, or refuses with an Error, and is written as the same model.
void gwm(std::string_view input) {
  const Model model = parse_model(std::string(input), "fuzz.gwm");
  const auto path = scratch_folder() / "again.gwm";
  save_model(model, path);
  const Model again = load_model(path);
  again.require_features(model.recipe, model.columns);
  succeeds([&] { again.require_features(model.recipe, {}); });
  succeeds([&] { again.require_features({}, model.columns); });
  require(again.labels == model.labels && again.classifier->kind() == model.classifier->kind());
  require(model.columns.size() < (std::size_t{1} << 20));
  Matrix features(2, model.columns.size());
  for (std::size_t j = 0; j < features.cols(); ++j) features(1, j) = static_cast<float>(j) - 1;
  const Predictions predictions = model.predict_with_probabilities(features);
  require(predictions.labels.size() == 2);
  for (const float share : predictions.probabilities.values()) require(std::isfinite(share));
  if (model.novelty.is_fitted()) model.novelty.distances(features);
}

void tensors(std::string_view input) {
  const TensorArchive archive = TensorArchive::parse(std::string(input), "fuzz");
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : archive.tensors()) {
    bytes += tensor.bytes.size();
    if (tensor.dtype == "F32") require(archive.floats(name).size() == tensor.bytes.size() / sizeof(float));
  }
  require(bytes <= input.size());
  archive.seal();
  const TensorArchive again = TensorArchive::parse(archive.serialise(), "again");
  require(again.tensors().size() == archive.tensors().size() && again.metadata == archive.metadata);
}

// Not in a zip, whose checksums mutations break: the pickle, and the values behind it.
void torch(std::string_view input) {
  const std::size_t end = std::min(input.rfind("@@@"), input.size());
  const ArchiveFiles files = {{"state/data.pkl", std::string(input.substr(0, end))},
                              {"state/data/0", std::string(input.substr(end))},
                              {"state/data/1", std::string(64, '\1')}};
  parse_torch_file(files, "fuzz.pt");
}

// Nothing is written outside the folder, and nothing remains after an error.
void archive(std::string_view input) {
  const auto& scratch = scratch_folder();
  const auto zip = put_file(scratch, "fuzz.zip", input);
  succeeds([&] { read_archive(input, "fuzz.zip"); });
  Progress silent;
  const auto inside = scratch / "inside";
  const bool unpacked = succeeds([&] { unpack_archive(zip, inside, silent); });
  for (const auto& entry : std::filesystem::directory_iterator(scratch))
    require(entry.path() == zip || entry.path() == inside);
  if (!unpacked && std::filesystem::exists(inside)) require(std::filesystem::is_empty(inside));
}

void weights(std::string_view input) {
  const auto path = put_file(scratch_folder(), "fuzz.weights", input);
  for (const char* network : {"musicnn", "efficientat", "mobilenetv2"}) succeeds([&] { find_weights(network, path); });
}

void npy(std::string_view input) {
  const NpyLayout array = parse_npy(input, input.size(), "fuzz.npy");
  require(array.offset + array.rows * array.cols * array.value_bytes == input.size());
  if (array.value_bytes != sizeof(float)) return;
  const std::string header = npy_header(array.rows, array.cols);
  require(is_npy(header) && npy_header_bytes(header) == header.size() && npy_columns(header) == array.cols);
}

// Protocol of decode workers and genrewise-neural.
void message(std::string_view input) {
  const auto read = [&](std::span<std::byte> bytes) {
    if (bytes.size() > input.size()) throw Error("the connection was closed");
    std::copy_n(std::as_bytes(std::span(input)).begin(), bytes.size(), bytes.begin());
    input.remove_prefix(bytes.size());
  };
  const MessageLimits limits{.header_bytes = 1 << 16, .numbers = 1 << 16};
  const auto text_of = [](const Message& message) {
    return message.header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  for (;;) {
    const Message message = read_message(read, limits);
    // Written again, it is the same; its text and numbers are any bytes.
    const std::string text = text_of(message);
    require(as_bytes(as_numbers(text), text.size()) == text);
    std::string bytes = message_head(message.header, message.numbers.size(), 1) +
                        as_bytes(message.numbers, message.numbers.size() * sizeof(float));
    const Message again = read_message(
        [&](std::span<std::byte> part) {
          require(part.size() <= bytes.size());
          std::copy_n(std::as_bytes(std::span(bytes)).begin(), part.size(), part.begin());
          bytes.erase(0, part.size());
        },
        {});
    require(text_of(again) == text && bytes.empty());
  }
}

#ifdef GENREWISE_HDF5
void keras(std::string_view input) {
  read_keras_file(put_file(scratch_folder(), "fuzz.h5", input));
}
#endif

const AddTargets added{{"gwm", gwm},         {"tensors", tensors}, {"torch", torch},     {"archive", archive},
                       {"weights", weights}, {"npy", npy},         {"message", message},
#ifdef GENREWISE_HDF5
                       {"keras", keras}
#endif
};

}  // namespace
}  // namespace genrewise::fuzz
