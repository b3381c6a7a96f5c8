#include "convert_weights.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <new>
#include <nlohmann/json.hpp>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/models/neural/weights/keras_file.hpp"
#include "genrewise/pretrained/neural_program.hpp"

namespace genrewise {
namespace {

constexpr rlim_t kFileBytes = rlim_t{1} << 30;

void limit_this_process() {
  limit_memory(kConversionMemoryBytes);
  limit_processor_time(kConversion_s);
  ::alarm(2 * kConversion_s);  // SIGALRM ends it also where it waits
  const rlimit file{kFileBytes, kFileBytes};
  ::setrlimit(RLIMIT_FSIZE, &file);
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
  } catch (const std::bad_alloc&) {
    return fail("needs more memory than its converter may use", from.string(), "get the file again; it may be damaged");
  } catch (const std::exception& problem) {
    return fail(std::string("cannot be converted: ") + problem.what(), from.string(), "get the file again");
  }
}

}  // namespace genrewise
