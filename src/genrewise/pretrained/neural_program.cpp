#include "genrewise/pretrained/neural_program.hpp"

#include <cstdlib>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/process.hpp"

namespace genrewise {
namespace fs = std::filesystem;

fs::path find_neural_program() {
  if (const char* given = std::getenv("GENREWISE_NEURAL_PROGRAM"); given != nullptr && *given != '\0') {
    if (is_executable(given)) return given;
    throw Error("GENREWISE_NEURAL_PROGRAM is not an executable program", given,
                "set it to genrewise-neural, or unset it");
  }
  std::error_code failed;
  const fs::path folder = fs::read_symlink("/proc/self/exe", failed).parent_path();
  if (!failed) {
    for (const fs::path& candidate :
         {folder / kNeuralProgram, folder.parent_path() / "libexec" / "genrewise" / kNeuralProgram})
      if (is_executable(candidate)) return candidate;
  }
  return find_program(kNeuralProgram);
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
