#include "genrewise/storage/python_index.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <vector>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/curl_library.hpp"
#include "genrewise/storage/download.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"
#include "genrewise/storage/object_client.hpp"
#include "genrewise/storage/store_settings.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultIndex = "https://pypi.org/simple";
constexpr std::uintmax_t kLargestPage = 16 << 20;

/// pip's configuration files, the most specific first.
std::vector<fs::path> pip_configurations() {
  std::vector<fs::path> files;
  const auto add = [&](const std::string& base, const char* below) {
    if (!base.empty()) files.push_back(below ? fs::path(base) / below : fs::path(base));
  };
  add(environment_variable("PIP_CONFIG_FILE"), nullptr);
  add(environment_variable("VIRTUAL_ENV"), "pip.conf");
  const std::string home = environment_variable("HOME"), configuration = environment_variable("XDG_CONFIG_HOME");
  add(configuration.empty() && !home.empty() ? home + "/.config" : configuration, "pip/pip.conf");
  add(home, ".pip/pip.conf");
  files.emplace_back("/etc/pip.conf");
  return files;
}

/// `index-url` of an INI file; the section [download] precedes [global].
std::string index_url_in(std::string_view text) {
  IniSections sections = parse_ini(text);
  for (const char* section : {"download", "global"})
    for (const char* key : {"index-url", "index_url"})
      if (const std::string& url = sections[section][key]; !url.empty()) return url;
  return {};
}

/// The last error line of pip's output, else its last line.
std::string pip_problem(const std::string& output) {
  std::string last, error;
  for (const std::string& line : split_text(output, '\n')) {
    if (trimmed(line).empty()) continue;
    last = trimmed(line);
    if (last.starts_with("ERROR: ")) error = last.substr(std::string_view("ERROR: ").size());
  }
  return short_text(error.empty() ? last : error);
}

/// Whether pip has put the file into `folder`; else `problem` says why, and is unchanged where no pip is installed.
bool download_by_pip(const PythonWheel& wheel, const fs::path& folder, Progress& progress, std::string& problem) {
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
    if (code == 0 && is_file(folder / wheel.file)) return true;
    if (output.find("No module named pip") != output.npos) continue;
    problem = fmt::format("{}: {}", name, pip_problem(output));
    return false;
  }
  return false;
}

std::string index_page(const PythonWheel& wheel, const std::string& url, const fs::path& folder, Progress& progress) {
  const fs::path file = folder / "index.html";
  download({.url = url, .target = file, .checksum = {}, .attempts = 3}, progress);
  if (bytes_of_file(file) > kLargestPage)
    throw Error("is larger than a page of a package index", without_credentials(url), "check PIP_INDEX_URL");
  const std::string link = link_to_file(read_file(file), wheel.file, url);
  if (link.empty())
    throw Error(fmt::format("does not list {}", wheel.file), without_credentials(url), "check PIP_INDEX_URL");
  return link;
}

}  // namespace

std::string package_index() {
  if (std::string given = environment_variable("PIP_INDEX_URL"); !given.empty()) return given;
  for (const fs::path& file : pip_configurations()) {
    if (!is_reachable_file(file)) continue;
    if (std::string url = index_url_in(read_file(file)); !url.empty()) return url;
  }
  return std::string(kDefaultIndex);
}

std::string link_to_file(std::string_view page, std::string_view file, const std::string& page_url) {
  for (std::size_t at = page.find("href="); at != page.npos; at = page.find("href=", at + 1)) {
    const std::string_view rest = page.substr(at + std::string_view("href=").size());
    if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) continue;
    std::string_view link = rest.substr(1, rest.find(rest[0], 1) - 1);
    link = link.substr(0, link.find('#'));  // "#sha256=..."
    const std::string_view path = link.substr(0, link.find('?'));
    if (path.substr(path.rfind('/') + 1) != file) continue;
    std::string address(link);
    for (std::size_t entity = 0; (entity = address.find("&amp;", entity)) != address.npos; ++entity)
      address.erase(entity + 1, 4);
    constexpr auto kFree = [](CURLU* used) { curl_url_cleanup(used); };
    const std::unique_ptr<CURLU, decltype(kFree)> url(curl_url());
    char* text = nullptr;
    if (!url || curl_url_set(url.get(), CURLUPART_URL, page_url.c_str(), 0) != CURLUE_OK ||
        curl_url_set(url.get(), CURLUPART_URL, address.c_str(), 0) != CURLUE_OK ||
        curl_url_get(url.get(), CURLUPART_URL, &text, 0) != CURLUE_OK)
      throw Error(fmt::format("links to \"{}\", which is not an address", address), without_credentials(page_url),
                  "check PIP_INDEX_URL");
    std::string resolved(text);
    curl_free(text);
    return resolved;
  }
  return {};
}

fs::path download_wheel(const PythonWheel& wheel, const fs::path& folder, Progress& progress) {
  make_folders(folder);
  const fs::path target = folder / wheel.file;
  if (is_file(target) && sha256_hex(read_file(target)) == wheel.sha256) return target;
  const WorkFolder work(folder / fmt::format(".{}.fetching", wheel.package));
  std::string problem;
  if (download_by_pip(wheel, absolute_path(work.path()), progress, problem)) {
    if (sha256_hex(read_file(work.path() / wheel.file)) != wheel.sha256)
      throw Error("the file that pip has downloaded has a wrong checksum", wheel.file,
                  "the package index has another file of this name: set PIP_INDEX_URL to another index");
    rename_path(work.path() / wheel.file, target);
    return target;
  }
  if (!problem.empty()) progress.note(fmt::format("{}; trying without pip", problem));
  const std::string index = package_index();
  try {
    const std::string page = fmt::format("{}{}{}/", index, index.ends_with('/') ? "" : "/", wheel.package);
    download({.url = index_page(wheel, page, work.path(), progress),
              .target = target,
              .checksum = Checksum{HashKind::sha256, wheel.sha256},
              .attempts = 3},
             progress);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    throw Error(error.problem() + (problem.empty() ? "" : fmt::format(" ({})", problem)), error.where(),
                error.remedy());
  }
  return target;
}

}  // namespace genrewise
