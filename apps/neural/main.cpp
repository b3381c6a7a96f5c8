// genrewise-neural: trains networks for genrewise, and converts Keras weights. Only this program is linked with
// libtorch and HDF5; genrewise and programs that embed its libraries start it when they need it.
#include <cstdio>
#include <string_view>

#include "convert_weights.hpp"
#include "genrewise/base/standard_streams.hpp"
#include "serve.hpp"

namespace {

constexpr char kHelp[] =
    "genrewise-neural: trains networks for genrewise, which starts it when needed.\n"
    "\n"
    "  genrewise-neural serve                    fits and applies networks for the process that started it\n"
    "  genrewise-neural convert-weights IN OUT   converts Keras weights (HDF5) to safetensors\n"
    "  genrewise-neural --version\n";

int wrong_usage() {
  std::fputs(kHelp, stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  genrewise::open_standard_streams();
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "serve" && argc == 2) genrewise::serve();
  if (verb == "convert-weights" && argc == 4) return genrewise::convert_weights(argv[2], argv[3]);
  if (verb == "--version") return std::puts("genrewise-neural " GENREWISE_VERSION) < 0;
  if (verb == "--help") return std::fputs(kHelp, stdout) < 0;
  return wrong_usage();
}
