// Highway's two functions that choose an instruction set at run time, taken from its library when the first vector
// kernel is called: while it is loaded, the library measures the processor's clock for 3 ms, longer than many commands
// run.
#include <hwy/targets.h>

#include "genrewise/base/loaded_libraries.hpp"
#include "genrewise/base/shared_library.hpp"

namespace hwy {
namespace {

constexpr genrewise::SharedLibrary kHighway{GENREWISE_LIBHWY, "Highway"};

}  // namespace

std::int64_t SupportedTargets() {
  static constinit const genrewise::LoadedFunction<std::int64_t()> supported(kHighway, "_ZN3hwy16SupportedTargetsEv");
  return supported();
}

ChosenTarget& GetChosenTarget() {
  static constinit const genrewise::LoadedFunction<ChosenTarget&()> chosen(kHighway, "_ZN3hwy15GetChosenTargetEv");
  static ChosenTarget& target = chosen();
  return target;
}

}  // namespace hwy
