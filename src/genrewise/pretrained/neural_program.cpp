#include "genrewise/pretrained/neural_program.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

bool can_be_executed(const fs::path& path) {
  std::error_code failed;
  return fs::is_regular_file(path, failed) && ::access(path.c_str(), X_OK) == 0;
}

fs::path find_in_path() {
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const fs::path candidate = fs::path(rest.substr(0, colon)) / kNeuralProgram;
    if (colon > 0 && can_be_executed(candidate)) return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return {};
}

}  // namespace

fs::path find_neural_program() {
  if (const char* given = std::getenv("GENREWISE_NEURAL_PROGRAM"); given != nullptr && *given != '\0') {
    if (can_be_executed(given)) return given;
    throw Error("GENREWISE_NEURAL_PROGRAM is not an executable program", given,
                "set it to genrewise-neural, or unset it");
  }
  std::error_code failed;
  const fs::path folder = fs::read_symlink("/proc/self/exe", failed).parent_path();
  if (!failed) {
    for (const fs::path& candidate :
         {folder / kNeuralProgram, folder.parent_path() / "libexec" / "genrewise" / kNeuralProgram})
      if (can_be_executed(candidate)) return candidate;
  }
  return find_in_path();
}

fs::path require_neural_program(const std::string& need, const std::string& where, const std::string& otherwise) {
  fs::path found = find_neural_program();
  if (!found.empty()) return found;
  throw Error(
      need + " the program genrewise-neural, which is neither beside this program nor in PATH", where,
      "install genrewise with libtorch and HDF5 (tools/install_packages.sh neural, then build again), or name it "
      "with GENREWISE_NEURAL_PROGRAM" +
          (otherwise.empty() ? "" : "; or " + otherwise));
}

}  // namespace genrewise
