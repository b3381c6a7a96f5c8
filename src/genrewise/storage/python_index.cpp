#include "genrewise/storage/python_index.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

/// The last error line of pip's output, else its last line.
std::string pip_problem(const std::string& output) {
  std::string last, error;
  for (const std::string& line : split_text(output, '\n')) {
    if (trimmed(line).empty()) continue;
    last = trimmed(line);
    if (last.starts_with("ERROR: ")) error = last.substr(std::string_view("ERROR: ").size());
  }
  return (error.empty() ? last : error).substr(0, 300);
}

/// Throws Error where no pip is installed, and where it fails.
void download_by_pip(const PythonWheel& wheel, const fs::path& folder, Progress& progress) {
  const std::vector<std::vector<std::string>> programs = {{"python3", "-m", "pip"}, {"pip3"}, {"pip"}};
  for (std::vector<std::string> command : programs) {
    if (find_program(command.front()).empty()) continue;
    const std::string name = fmt::format("{}", fmt::join(command, " "));
    const std::string requirement = wheel.package + "==" + wheel.version;
    progress.note(fmt::format("{} download --no-deps {}", name, requirement));
    command.insert(command.end(), {"download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check",
                                   "--progress-bar", "off", "--dest", ".", requirement});
    std::string output;
    const int code = run_process(command, folder, [&](std::string_view piece) { output += piece; });
    if (code == 0 && is_file(folder / wheel.file)) return;
    if (output.find("No module named pip") != output.npos) continue;
    throw Error("pip cannot download it: " + pip_problem(output), requirement,
                "check the network and pip's configuration (PIP_INDEX_URL), or give another address with --mirror");
  }
  throw Error("is a Python package, and pip is not installed", wheel.package,
              "install pip (Debian: python3-pip), or give the address of its file with --mirror");
}

}  // namespace

fs::path download_wheel(const PythonWheel& wheel, const fs::path& folder, Progress& progress) {
  make_folders(folder);
  const fs::path target = folder / wheel.file;
  if (is_file(target) && sha256_hex(read_file(target)) == wheel.sha256) return target;
  const WorkFolder work(folder / fmt::format(".{}.fetching", wheel.package));
  download_by_pip(wheel, absolute_path(work.path()), progress);
  if (sha256_hex(read_file(work.path() / wheel.file)) != wheel.sha256)
    throw Error("the file that pip has downloaded has a wrong checksum", wheel.file,
                "the package index has another file of this name: set PIP_INDEX_URL to another index");
  rename_path(work.path() / wheel.file, target);
  return target;
}

}  // namespace genrewise
