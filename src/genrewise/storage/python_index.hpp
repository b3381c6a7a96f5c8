// Downloads of Python packages from the package index that this machine uses.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "genrewise/base/progress.hpp"

namespace genrewise {

/// One file of a release.
struct PythonWheel {
  std::string package, version;  ///< "musicnn", "0.1.0"
  std::string file;              ///< "musicnn-0.1.0-py3-none-any.whl"
  std::string sha256;            ///< lower case
};

/// Downloads the file into `folder` (created if missing) and verifies its checksum; an existing file is only verified.
/// Uses pip where it is installed (`python3 -m pip`, `pip3` or `pip`: its configuration, proxies and certificates
/// apply), else, or where pip fails, HTTP(S) from package_index(), resuming a partial download. Returns the file's
/// path. Throws Error with the reasons of both; Interrupted.
std::filesystem::path download_wheel(const PythonWheel& wheel, const std::filesystem::path& folder, Progress& progress);

/// The address of the package index (PEP 503): $PIP_INDEX_URL, else `index-url` of pip's configuration files
/// ($PIP_CONFIG_FILE, the virtual environment's, the user's, /etc/pip.conf; sections [download] and [global]), else
/// https://pypi.org/simple.
std::string package_index();

/// The address of the file in a page of the index, relative links resolved against `page_url`; empty if it is not
/// there. Throws Error for a link that is not a valid address.
std::string link_to_file(std::string_view page, std::string_view file, const std::string& page_url);

}  // namespace genrewise
