// Downloads of Python packages.
#pragma once

#include <filesystem>
#include <string>

#include "genrewise/base/progress.hpp"

namespace genrewise {

/// One file of a release.
struct PythonWheel {
  std::string package, version;  ///< "musicnn", "0.1.0"
  std::string file;              ///< "musicnn-0.1.0-py3-none-any.whl"
  std::string sha256;            ///< lower case
};

/// Downloads the file by pip (`python3 -m pip`, `pip3` or `pip`: its configuration, proxies and certificates apply)
/// into `folder` (created if missing) and verifies its checksum; an existing file is only verified. Returns the file's
/// path. Throws Error with pip's reason; Interrupted.
std::filesystem::path download_wheel(const PythonWheel& wheel, const std::filesystem::path& folder, Progress& progress);

}  // namespace genrewise
