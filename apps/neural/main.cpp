// genrewise-neural: trains networks for genrewise, and converts Keras weights. Only this program is linked with
// libtorch and HDF5; genrewise and programs that embed its libraries start it when they need it.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/models/neural/weights/keras_file.hpp"
#include "genrewise/pretrained/neural_program.hpp"
#include "serve.hpp"

namespace {

using namespace genrewise;

constexpr char kHelp[] =
    "genrewise-neural: trains networks for genrewise, which starts it when needed.\n"
    "\n"
    "  genrewise-neural serve                    fits and applies networks for the process that started it\n"
    "  genrewise-neural convert-weights IN OUT   converts Keras weights (HDF5) to safetensors\n"
    "  genrewise-neural --version\n";

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

/// Converts Keras weights (HDF5) to the format of find_weights(), with limits on this process's memory and CPU time,
/// because the file is untrusted. Returns the exit code; on failure the last line on standard output is the error as
/// JSON: {"problem", "where", "remedy"}.
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

/// libtorch starts threads where their failure cannot be caught.
[[noreturn]] void report_uncaught() {
  try {
    if (const auto problem = std::current_exception()) std::rethrow_exception(problem);
  } catch (const std::system_error&) {
    std::fputs("cannot start a thread; raise the limit of processes and threads (ulimit -u)\n", stderr);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
  } catch (...) {
  }
  std::_Exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  std::set_terminate(report_uncaught);
  open_standard_streams();
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "serve" && argc == 2) serve();
  if (verb == "convert-weights" && argc == 4) return convert_weights(argv[2], argv[3]);
  if (verb == "--version") return std::puts("genrewise-neural " GENREWISE_VERSION) < 0;
  if (verb == "--help") return std::fputs(kHelp, stdout) < 0;
  std::fputs(kHelp, stderr);
  return 2;
}
