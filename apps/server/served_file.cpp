#include "served_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "genrewise/base/text.hpp"
#include "http.hpp"

namespace genrewise::server {
namespace {

namespace fs = std::filesystem;

bool is_inside(const fs::path& path, const fs::path& root) {
  const auto [end, rest] = std::ranges::mismatch(root, path);
  return end == root.end();
}

}  // namespace

ServedFile::ServedFile(const fs::path& path, std::span<const fs::path> roots)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
  const std::string name = path.filename().string();
  struct stat status {};
  if (descriptor_.get() < 0 || ::fstat(descriptor_.get(), &status) != 0 || !S_ISREG(status.st_mode))
    throw HttpError(404, "the file is not there or cannot be read", name);
  if (!roots.empty()) {
    std::error_code code;
    const fs::path real = fs::read_symlink(fmt::format("/proc/self/fd/{}", descriptor_.get()), code);
    if (code || std::ranges::none_of(roots, [&](const fs::path& root) { return is_inside(real, root); }))
      throw HttpError(403, "the file is outside of the folders of the library", name);
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
  tag_ =
      fmt::format("{:x}-{:x}-{:x}{:09x}", status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

std::size_t ServedFile::read(std::uint64_t offset, std::span<char> into) const {
  const ssize_t got =
      TEMP_FAILURE_RETRY(::pread(descriptor_.get(), into.data(), into.size(), static_cast<off_t>(offset)));
  return got < 0 ? 0 : static_cast<std::size_t>(got);
}

std::string audio_type(const fs::path& name) {
  constexpr std::pair<std::string_view, const char*> kTypes[] = {
      {".mp3", "audio/mpeg"},  {".mp2", "audio/mpeg"}, {".flac", "audio/flac"}, {".ogg", "audio/ogg"},
      {".oga", "audio/ogg"},   {".opus", "audio/ogg"}, {".m4a", "audio/mp4"},   {".m4b", "audio/mp4"},
      {".mp4", "audio/mp4"},   {".aac", "audio/aac"},  {".wav", "audio/wav"},   {".aif", "audio/aiff"},
      {".aiff", "audio/aiff"}, {".mka", "audio/webm"}, {".webm", "audio/webm"}, {".wma", "audio/x-ms-wma"}};
  const std::string extension = lower_case(name.extension().string());
  const auto found = std::ranges::find(kTypes, extension, [](const auto& one) { return one.first; });
  return found == std::end(kTypes) ? "application/octet-stream" : found->second;
}

std::vector<fs::path> canonical_paths(std::span<const fs::path> paths) {
  std::vector<fs::path> real;
  for (const fs::path& path : paths) {
    std::error_code code;
    if (auto one = fs::canonical(path, code); !code) real.push_back(std::move(one));
  }
  return real;
}

}  // namespace genrewise::server
