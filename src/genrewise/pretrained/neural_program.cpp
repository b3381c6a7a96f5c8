#include "genrewise/pretrained/neural_program.hpp"

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {
namespace fs = std::filesystem;

fs::path find_neural_program() {
  return find_own_program(kNeuralProgram, "GENREWISE_NEURAL_PROGRAM");
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
