// The program without the neural half.
#include <unistd.h>

#include <filesystem>

#include "handover.hpp"

namespace genrewise::cli {

#ifdef GENREWISE_NEURAL
const std::string_view kWithoutNeuralHalf;
#else
const std::string_view kWithoutNeuralHalf =
    "; networks and their features are not in this build (it was made without libtorch: see README.md)";
#endif

void add_neural_half() {}

void hand_over(char** arguments) {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return;
  const std::string other = self.parent_path() / "genrewise-neural";
  execv(other.c_str(), arguments);
}

}  // namespace genrewise::cli
