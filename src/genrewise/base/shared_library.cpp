#include "genrewise/base/shared_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include "genrewise/base/error.hpp"

namespace genrewise {

void* SharedLibrary::find(const char* function) const {
  void* const library = ::dlopen(file, RTLD_LAZY | RTLD_LOCAL);
  void* const address = library == nullptr ? nullptr : ::dlsym(library, function);
  if (address != nullptr) return address;
  const char* const reason = ::dlerror();
  throw Error(fmt::format("{} cannot be loaded ({})", name, reason != nullptr ? reason : "unknown reason"), file,
              fmt::format("install the package that contains {}, or allow more memory", file));
}

}  // namespace genrewise
