#include "genrewise/storage/work_folder.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

std::filesystem::path temporary_folder() {
  std::error_code code;
  std::filesystem::path folder = std::filesystem::temp_directory_path(code);
  if (!code) return folder;
  const char* given = std::getenv("TMPDIR");
  throw Error(fmt::format("the folder for temporary files cannot be used ({})", code.message()),
              given != nullptr ? fmt::format("TMPDIR={}", given) : "/tmp",
              "create it, or set TMPDIR to an existing folder");
}

WorkFolder::WorkFolder(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  make_folders(path_);
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace genrewise
