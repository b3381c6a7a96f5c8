#include "convert_weights.hpp"

#include <sys/resource.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/models/neural/weights/keras_file.hpp"

namespace genrewise {
namespace {

// The largest known file has 10 MB; libtorch, which is linked as well, takes some hundreds of MB of address space.
constexpr rlim_t kMemoryBytes = rlim_t{4} << 30, kFileBytes = rlim_t{1} << 30, kProcessor_s = 60;

void limit(int resource, rlim_t most) {
  const rlimit both{most, most};
  ::setrlimit(resource, &both);  // if it cannot be lowered, the parent's limit holds
}

void limit_this_process() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // sanitizers reserve terabytes of address space
  limit(RLIMIT_AS, kMemoryBytes);
#endif
  limit(RLIMIT_FSIZE, kFileBytes);
  limit(RLIMIT_CPU, kProcessor_s);
  limit(RLIMIT_CORE, 0);
}

int fail(const std::string& problem, const std::string& where, const std::string& remedy) {
  const nlohmann::json error = {{"problem", problem}, {"where", where}, {"remedy", remedy}};
  std::puts(error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  return 1;
}

}  // namespace

int convert_weights(const std::filesystem::path& from, const std::filesystem::path& to) {
  limit_this_process();
  try {
    convert_keras_file(from, to);
    return 0;
  } catch (const Error& error) {
    return fail(error.problem(), error.where(), error.remedy());
  } catch (const std::exception& problem) {  // usually std::bad_alloc
    return fail(std::string("cannot be converted: ") + problem.what(), from.string(), "get the file again");
  }
}

}  // namespace genrewise
