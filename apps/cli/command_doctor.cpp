// genrewise doctor: what this installation consists of, whether it works, and what to install for what is missing.
#include <dlfcn.h>
#include <fmt/format.h>
#include <hwy/targets.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/audio/decode.hpp"
#include "genrewise/audio/decoders.hpp"
#include "genrewise/base/child_process.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/library/catalogue.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/pretrained/neural_program.hpp"
#include "genrewise/pretrained/pretrained_networks.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/storage/credentials.hpp"
#include "genrewise/storage/local_files.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kExamples[] =
    "genrewise doctor\n"
    "genrewise doctor --json";

/// broken: something does not work although it should; missing: an optional part is not there; note: a fact.
enum class State { ok, note, missing, broken };
constexpr const char* kStates[] = {"ok", "-", "missing", "broken"};

struct Finding {
  std::string check;
  State state;
  std::string text, remedy = {};
};
using Findings = std::vector<Finding>;

/// A library whose file begins so. Versions come from what is loaded now, not from the headers of the build.
struct Library {
  const char* file;
  const char* name;
  const char* licence;
  const char* version_function = nullptr;  ///< const char* f(), or f(0); without one, the name of the file
};
constexpr Library kLibraries[] = {
    {"libavcodec.so", "FFmpeg", "GPL-2.0-or-later as Debian builds it", "av_version_info"},
    {"libfftw3f.so", "FFTW", "GPL-2.0-or-later"},
    {"libsndfile.so", "libsndfile", "LGPL-2.1-or-later", "sf_version_string"},
    {"libmpg123.so", "mpg123", "LGPL-2.1"},
    {"libsoxr.so", "soxr", "LGPL-2.1-or-later", "soxr_version"},
    {"libtag.so", "TagLib", "LGPL-2.1 or MPL-1.1"},
    {"libopenblas", "OpenBLAS", "BSD-3-Clause", "openblas_get_config"},
    {"libxgboost.so", "XGBoost", "Apache-2.0"},
    {"libhwy.so", "Highway", "Apache-2.0 or BSD-3-Clause"},
    {"libcurl.so", "curl", "curl (MIT-like)", "curl_version"},
    {"libcrypto.so", "OpenSSL", "Apache-2.0", "OpenSSL_version"},
    {"libarchive.so", "libarchive", "BSD-2-Clause", "archive_version_string"},
    {"libsqlite3.so", "SQLite", "public domain", "sqlite3_libversion"},
    {"libzstd.so", "Zstandard", "BSD-3-Clause", "ZSTD_versionString"},
    {"libz.so", "zlib", "Zlib", "zlibVersion"},
    {"libpugixml.so", "pugixml", "MIT"},
    {"libyaml-cpp.so", "yaml-cpp", "MIT"},
    {"libfmt.so", "fmt", "MIT"},
};

std::vector<fs::path> loaded_files() {
  std::vector<fs::path> files;
  const auto collect = [](dl_phdr_info* info, std::size_t, void* into) {
    if (info->dlpi_name != nullptr && *info->dlpi_name != '\0')
      static_cast<std::vector<fs::path>*>(into)->emplace_back(info->dlpi_name);
    return 0;
  };
  ::dl_iterate_phdr(collect, &files);
  return files;
}

std::string version_of(const Library& library, const fs::path& file) {
  void* const handle = ::dlopen(file.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (handle != nullptr && library.version_function != nullptr) {
    if (void* const function = ::dlsym(handle, library.version_function)) {
      const std::string_view text = reinterpret_cast<const char* (*)(int)>(function)(0);
      return std::string(text.substr(0, text.find(' ', text.find_first_of("0123456789"))));
    }
  }
  std::error_code unresolved;
  return fs::canonical(file, unresolved).filename().string();
}

void add_libraries(Findings& findings) {
  for (const char* const file : {GENREWISE_LOADED})  // loaded when they are used
    if (::dlopen(file, RTLD_LAZY) == nullptr)
      findings.push_back({std::string("library ") + file, State::missing, ::dlerror(),
                          std::string("install the package that contains ") + file});
  const std::vector<fs::path> files = loaded_files();
  for (const Library& library : kLibraries) {
    const auto file = std::ranges::find_if(
        files, [&](const fs::path& one) { return one.filename().string().starts_with(library.file); });
    if (file == files.end()) continue;
    findings.push_back(
        {std::string("library ") + library.name, State::ok,
         fmt::format("{}, {}; licence {}", version_of(library, *file), file->string(), library.licence)});
  }
}

std::string processor_targets() {
  std::string names;
  for (std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS; targets != 0; targets &= targets - 1)
    names += (names.empty() ? "" : " ") + std::string(hwy::TargetName(targets & -targets));
  return names;
}

void add_build(Findings& findings, const Session& session) {
  const AudioDecoders decoders = audio_decoders();
  findings.push_back({"version", State::ok, GENREWISE_VERSION ", " GENREWISE_BUILD});
  findings.push_back({"licence", State::note,
                      GENREWISE_GPL ? "sources Apache-2.0; this program, with FFmpeg and FFTW, GPL-3.0"
                                    : "Apache-2.0, with libraries under the LGPL and permissive licences"});
  findings.push_back(
      {"processor", State::ok,
       fmt::format("{} threads; SIMD targets, best first: {}", session.runtime.threads(), processor_targets())});
  findings.push_back({"formats", State::note,
                      fmt::format("{}, by mpg123 and {}{}", decoders.formats, decoders.library,
                                  decoders.missing.empty() ? "" : "; not " + decoders.missing),
                      decoders.missing.empty() ? "" : "use the build with FFmpeg for those"});
}

void add_sandbox(Findings& findings) {
  const std::string sandbox = decode_sandbox();
  const bool whole = sandbox.find("seccomp") != sandbox.npos && sandbox.find("Landlock") != sandbox.npos;
  findings.push_back({"decode sandbox", whole ? State::ok : State::missing,
                      sandbox.empty() ? "decode workers are processes, but nothing confines them"
                                      : "decode workers are confined by " + sandbox,
                      whole ? "" : "use a kernel with seccomp and Landlock (Linux 5.13)"});
}

/// A tenth of a second of silence.
std::string small_wav() {
  constexpr std::string_view kHeader(
      "RIFF\x34\x12\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0data\x10\x12\0\0", 44);
  return std::string(kHeader) + std::string(0x1210, '\0');
}

/// Adds what `use` finds; an Error that it throws is a broken part.
template <class Use>
void attempt(Findings& findings, const std::string& check, Use use) {
  try {
    use();
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    const std::string where = error.where().empty() ? "" : error.where() + ": ";
    findings.push_back({check, State::broken, where + error.problem(), error.remedy()});
  }
}

void add_self_tests(Findings& findings) {
  attempt(findings, "decoding", [&] {
    const std::string wav = small_wav();
    const auto wave = decode_bytes(std::as_bytes(std::span(wav)), "a test tone", {.sample_rate_hz = 22050});
    if (!wave) throw Error(to_string(wave.error()), {}, "install the program again");
    findings.push_back({"decoding", State::ok, "a WAV in memory was decoded and resampled"});
  });
  attempt(findings, "matrix products", [&] {
    const float one = 1;
    float product = 0;
    blas::multiply(blas::Form::nn, 1, {&one, 1, 1}, {&one, 1, 1}, 0, {&product, 1, 1});
    if (product != 1) throw Error("1 * 1 is not 1", "OpenBLAS", "install OpenBLAS again (package libopenblas0)");
    findings.push_back({"matrix products", State::ok, "OpenBLAS multiplies"});
  });
}

void add_networks(Findings& findings) {
  for (const PretrainedNetwork& network : pretrained_networks()) {
    const std::string check = "weights " + network.name;
    attempt(findings, check, [&] {
      if (has_weights(network.name)) {
        findings.push_back({check, State::ok, "present"});
      } else {
        findings.push_back({check, State::missing,
                            fmt::format("{} to download; licence {}", readable_size(network.bytes), network.licence),
                            "genrewise fetch weights " + network.name});
      }
    });
  }
  attempt(findings, kNeuralProgram, [&] {
    const fs::path program = find_neural_program();
    if (program.empty()) {
      findings.push_back({kNeuralProgram, State::missing, "networks cannot be trained",
                          "install the package genrewise-neural, or build after tools/install_packages.sh neural"});
      return;
    }
    std::string version;
    const int code = run_process({program, "--version"}, {}, [&](std::string_view piece) { version += piece; });
    if (code != 0 || trimmed(version) != std::string(kNeuralProgram) + " " + GENREWISE_VERSION)
      throw Error(fmt::format("does not run, or is of another version: {}", trimmed(version)), program.string(),
                  "install both programs from one build");
    findings.push_back({kNeuralProgram, State::ok, program.string()});
  });
  const bool has_driver = path_exists("/proc/driver/nvidia/version");
  findings.push_back({"GPU", State::note,
                      has_driver ? "NVIDIA driver found; genrewise-neural uses it if its libtorch was built with CUDA"
                                 : "no NVIDIA driver; networks run on the processor"});
}

// At once: without credentials each waits for a metadata server.
void add_stores(Findings& findings, const StoreOptions& options) {
  const std::string schemes[] = {"s3", "gs"};
  Finding found[std::size(schemes)];
  parallel_for(
      std::size(schemes),
      [&](std::size_t i, int) {
        const std::string check = schemes[i] + "://";
        try {
          found[i] = {check, State::ok, "credentials from " + credentials_origin(schemes[i], options)};
        } catch (const Interrupted&) {
          throw;
        } catch (const Error& error) {
          found[i] = {check, State::note, error.problem(), error.remedy()};
        }
      },
      std::size(schemes));
  findings.insert(findings.end(), std::begin(found), std::end(found));
}

/// The folder, or the nearest above it that exists, can be written to.
void add_folder(Findings& findings, const std::string& check, fs::path folder, State otherwise) {
  attempt(findings, check, [&] {
    const fs::path wanted = folder;
    while (!path_exists(folder) && folder.has_relative_path()) folder = folder.parent_path();
    std::error_code unknown;
    const auto space = fs::space(folder, unknown);
    const std::string text =
        fmt::format("{}{}", wanted.string(), unknown ? "" : ", " + readable_size(space.available) + " available");
    if (::access(folder.c_str(), W_OK | X_OK) == 0) {
      findings.push_back({check, State::ok, text});
    } else {
      findings.push_back({check, otherwise, fmt::format("{}; {}: {}", text, folder.string(), std::strerror(errno)),
                          "make it writable, or choose another folder"});
    }
  });
}

void add_folders(Findings& findings) {
  attempt(findings, "data folder",
          [&] { add_folder(findings, "data folder", default_catalogue().parent_path(), State::missing); });
  attempt(findings, "weights folder",
          [&] { add_folder(findings, "weights folder", weights_folder(), State::missing); });
  std::error_code removed;
  add_folder(findings, "current folder", fs::current_path(removed), State::note);
  attempt(findings, "temporary folder",
          [&] { add_folder(findings, "temporary folder", temporary_folder(), State::broken); });
}

void add_catalogue(Findings& findings, const LibraryOptions& options) {
  attempt(findings, "catalogue", [&] {
    const fs::path file = options.file.empty() ? default_catalogue() : options.file;
    if (!path_exists(file)) {
      findings.push_back(
          {"catalogue", State::missing, file.string() + " does not exist", "genrewise library scan FOLDER"});
      return;
    }
    const Catalogue catalogue = options.open();
    std::size_t tracks = 0;
    for (const auto& [genre, count] : catalogue.genres()) tracks += count;
    findings.push_back({"catalogue", State::ok,
                        fmt::format("{}, {}, {} tracks of {} folders", file.string(),
                                    readable_size(bytes_of_file(file)), tracks, catalogue.roots().size())});
  });
}

int run(const LibraryOptions& options, Session& session) {
  Findings findings;
  add_build(findings, session);
  add_sandbox(findings);
  add_self_tests(findings);
  add_libraries(findings);
  add_networks(findings);
  add_folders(findings);
  add_catalogue(findings, options);
  add_stores(findings, session.stores);
  Table table({{"check"}, {"state"}, {"finding", Table::Align::left, Table::Overflow::wrap}});
  nlohmann::json list = nlohmann::json::array();
  bool healthy = true;
  for (const Finding& one : findings) {
    const char* state = kStates[static_cast<int>(one.state)];
    healthy = healthy && one.state != State::broken;
    table.add_row({one.check, state, one.remedy.empty() ? one.text : one.text + "; " + one.remedy},
                  one.state == State::broken);
    list.push_back({{"check", one.check},
                    {"state", one.state == State::note ? "note" : state},
                    {"finding", one.text},
                    {"remedy", one.remedy}});
  }
  print_result(session, table, [&] {
    return nlohmann::json{{"version", GENREWISE_VERSION}, {"healthy", healthy}, {"findings", list}};
  });
  return healthy ? kDone : kFailed;
}

}  // namespace

void add_doctor(CLI::App& app, Session& session) {
  const CommandText text{
      .summary = "Check this installation: versions, libraries, weights, folders, credentials",
      .details =
          "Says what to install for what is missing. The exit code is 1 if something is broken, which missing "
          "optional parts are not. Credentials are never printed, only where they come from.",
      .examples = kExamples};
  const auto [command, options] = session.add_command(app, "doctor", text, run);
  options.add_to(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
