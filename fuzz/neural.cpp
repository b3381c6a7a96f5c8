// What genrewise-neural reads: checkpoints of trainings that are continued, and the weights of fitted networks.
#include <unistd.h>

#include <array>
#include <memory>

#include "genrewise/base/progress.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/models/neural/training/network_classifier.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/files.hpp"
#include "targets.hpp"

namespace genrewise::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRows = 8, kCols = 3;

std::unique_ptr<Classifier> small_network() {
  const Parameters parameters = {
      {"epochs", "3"},     {"batch_size", "2"},    {"hidden_layer_sizes", "2"}, {"validation_share", "0.25"},
      {"restore", "best"}, {"schedule", "plateau"}};
  return neural::make_network_classifier("dense", parameters, 7);
}

Matrix examples() {
  Matrix values(kRows, kCols);
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t j = 0; j < kCols; ++j) values(i, j) = static_cast<float>((i * 7 + j * 5) % 11) - 5;
  return values;
}

/// Interrupts a training in its second epoch.
class Stopping final : public Progress {
 public:
  void advance(std::uint64_t clips) override {
    done_ += clips;
    if (done_ >= kRows) Runtime::current().request_interrupt();
  }

 private:
  std::uint64_t done_ = 0;
};

void fit(Classifier& network, const fs::path& run_folder, Progress* progress = nullptr) {
  constexpr std::array<int, kRows> kLabels{0, 1, 0, 1, 0, 1, 0, 1};
  network.fit({examples(), kLabels, 2, {}, {}}, {.progress = progress, .run_folder = run_folder});
}

void require_predictions(const Classifier& network) {
  const Predictions predictions = network.predict_with_probabilities(examples());
  require(predictions.labels.size() == kRows && predictions.probabilities.rows() == kRows);
}

// A run folder. Its checkpoints get the name of this run, so that only their content differs from those of an
// interrupted training.
void checkpoint(std::string_view input) {
  static const fs::path reference = fs::temp_directory_path() / ("fuzz-run-" + std::to_string(::getpid()));
  static const auto [config, run] = [] {
    Stopping stopping;
    require(!succeeds([&] { fit(*small_network(), reference, &stopping); }));
    Runtime::current().clear_interrupt();
    const auto last = TensorArchive::read(reference / "last.safetensors");
    return std::pair(read_file(reference / "config.json"), last.metadata.at("run"));
  }();
  const fs::path& folder = put_files(input);
  if (!fs::exists(folder / "config.json")) write_file(folder / "config.json", config);
  for (const char* name : {"last.safetensors", "best.safetensors"}) {
    const fs::path path = folder / name;
    if (!fs::is_regular_file(path)) continue;
    succeeds([&] {
      TensorArchive archive = TensorArchive::read(path);
      archive.metadata["run"] = run;
      write_file(path, archive.serialise_sealed());
    });
  }
  const auto network = small_network();
  fit(*network, folder);
  require_predictions(*network);
}

void network(std::string_view input) {
  const TensorArchive archive = TensorArchive::parse(std::string(input), "fuzz.gwm");
  const auto network = small_network();
  network->load(archive, "");
  succeeds([&] { require_predictions(*network); });
  TensorArchive again;
  network->save(again, "");
  require(again.tensors().size() <= archive.tensors().size());
}

const AddTargets added{{"checkpoint", checkpoint, true}, {"network", network}};

}  // namespace
}  // namespace genrewise::fuzz
