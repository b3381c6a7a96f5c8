#include "genrewise/study/network_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "genrewise/base/filesystem.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

std::string name_of(std::size_t point) {
  return fmt::format("point-{}", point + 1);
}

bool trains_by_neural_program(const ModelSpec& spec) {
  const ClassifierDescriptor* descriptor = find_classifier(spec.kind);
  return descriptor != nullptr && descriptor->capabilities.neural_program;
}

}  // namespace

NetworkRuns::NetworkRuns(const ModelSpec& spec, const fs::path& networks)
    : is_network_(trains_by_neural_program(spec)) {
  if (is_network_ && !networks.empty()) folder_ = networks / file_name_of(spec.name);
}

void NetworkRuns::set_point(FitContext& context, std::size_t point) const {
  set(context, name_of(point));
}

void NetworkRuns::set(FitContext& context, const std::string& name) const {
  context.epoch_notes = false;
  if (folder_.empty()) return;
  context.run_folder = folder_ / name;
  context.embeddings_folder = folder_;
  context.replace_run = true;
}

std::string NetworkRuns::folder_of_point(std::size_t point) const {
  if (folder_.empty()) return {};
  return (folder_.parent_path().filename() / folder_.filename() / name_of(point)).generic_string();
}

void NetworkRuns::remove_checkpoints() const {
  if (folder_.empty()) return;
  std::error_code ignored;  // they only take space
  std::vector<fs::path> files = entries_of(folder_, ignored);
  for (const fs::path& run : std::vector(files)) std::ranges::move(entries_of(run, ignored), std::back_inserter(files));
  for (const fs::path& file : files) {
    if (file.extension() == ".safetensors") fs::remove(file, ignored);
  }
}

}  // namespace genrewise
