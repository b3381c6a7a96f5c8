#include "genrewise/library/replace_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <csignal>
#include <memory>
#include <random>
#include <vector>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30U;
constexpr std::string_view kMark = ".genrewise-tag-";

std::string system_text() {
  return std::generic_category().message(errno);
}

struct Original {
  fs::path path;  // without symbolic links
  struct statx status {};
};

Expected<Original> find_original(const fs::path& path) {
  const auto fault = [&](const char* reason, std::string detail) {
    return tl::unexpected(Fault{reason, path.string(), std::move(detail)});
  };
  std::error_code code;
  Original file{fs::canonical(path, code)};
  const auto& status = file.status;
  if (code) return fault("not found", code.message());
  if (::statx(AT_FDCWD, file.path.c_str(), 0, STATX_BASIC_STATS, &file.status) != 0)
    return fault("not found", system_text());
  if (!S_ISREG(status.stx_mode)) return fault("not a regular file", "");
  if (status.stx_nlink > 1)
    return fault("hard link", fmt::format("the file has {} names; a change would leave it with one", status.stx_nlink));
  if (status.stx_uid != ::geteuid() && ::geteuid() != 0) return fault("belongs to another user", "");
  if ((status.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0)
    return fault("immutable", "see lsattr");
  if ((status.stx_mode & S_IWUSR) == 0) return fault("read-only", "the file");
  const fs::path folder = file.path.parent_path();
  if (::eaccess(folder.c_str(), R_OK | W_OK | X_OK) != 0) return fault("read-only", "its folder");
  if (status.stx_size > kMostBytes) return fault("too large", "above 1 GiB");
  return file;
}

// Every change of the content or of attributes sets the time of the last status change (ctime).
bool unchanged(const struct statx& a, const struct statx& b) {
  return a.stx_ino == b.stx_ino && a.stx_size == b.stx_size && a.stx_ctime.tv_sec == b.stx_ctime.tv_sec &&
         a.stx_ctime.tv_nsec == b.stx_ctime.tv_nsec;
}

/// ".NAME.genrewise-tag-RANDOM", with NAME shortened at a UTF-8 character where it would be too long.
fs::path name_of_copy(const fs::path& original) {
  constexpr std::size_t kMoreForWriting = 16;  // of the longer name to which create_file() writes
  const long longest = ::pathconf(original.parent_path().c_str(), _PC_NAME_MAX);
  const std::string ending = fmt::format("{}{:08x}", kMark, std::random_device{}());
  const std::string name = "." + original.filename().string();
  const std::size_t most = static_cast<std::size_t>(longest > 0 ? longest : 255) - ending.size() - kMoreForWriting;
  return original.parent_path() / (std::string(first_bytes(name, most)) + ending);
}

std::vector<std::string> attribute_names(int file) {
  std::string names(static_cast<std::size_t>(std::max<ssize_t>(0, ::flistxattr(file, nullptr, 0))), '\0');
  const ssize_t length = ::flistxattr(file, names.data(), names.size());
  std::vector<std::string> list;
  for (std::size_t at = 0; length > 0 && at < static_cast<std::size_t>(length); at += list.back().size() + 1)
    list.emplace_back(names.c_str() + at);
  return list;
}

/// Gives the copy the owner, mode, extended attributes (with access control lists) and times of the original. What
/// only the system may set (security.*, trusted.*) is copied where this process is permitted to.
bool copy_attributes(int original, int copy) {
  struct stat from {
  }, to{};
  if (::fstat(original, &from) != 0 || ::fstat(copy, &to) != 0) return false;
  if ((from.st_uid != to.st_uid || from.st_gid != to.st_gid) && ::fchown(copy, from.st_uid, from.st_gid) != 0)
    return false;
  if (from.st_mode != to.st_mode && ::fchmod(copy, from.st_mode & 07777U) != 0) return false;
  const auto names = attribute_names(original);
  for (const std::string& inherited : attribute_names(copy))  // a default access control list of the folder
    if (std::ranges::find(names, inherited) == names.end()) ::fremovexattr(copy, inherited.c_str());
  for (const std::string& name : names) {
    if (name == "security.ima" || name == "security.evm") continue;  // signatures of the old bytes
    std::string value(static_cast<std::size_t>(std::max<ssize_t>(0, ::fgetxattr(original, name.c_str(), nullptr, 0))),
                      '\0');
    const bool copied =
        ::fgetxattr(original, name.c_str(), value.data(), value.size()) == static_cast<ssize_t>(value.size()) &&
        ::fsetxattr(copy, name.c_str(), value.data(), value.size(), 0) == 0;
    if (!copied && !name.starts_with("security.") && !name.starts_with("trusted.")) return false;
  }
  const struct timespec times[] = {from.st_atim, from.st_mtim};
  return ::futimens(copy, times) == 0;
}

}  // namespace

Expected<void> check_replaceable(const fs::path& path) {
  return find_original(path).map([](const Original&) {});
}

FolderLock lock_for_replacing(const fs::path& folder) {
  FolderLock lock(folder);
  for (const fs::path& entry : entries_of(folder)) {
    const std::string name = entry.filename().string();
    if (name.starts_with('.') && name.find(kMark) != std::string::npos) remove_path(entry);
  }
  return lock;
}

Expected<void> replace_file(const fs::path& path,
                            const std::function<Expected<void>(const fs::path&, const fs::path&)>& make_copy,
                            const std::function<void(std::string_view, std::string_view)>& before_rename) {
  const auto fault = [&](const char* reason, std::string detail) {
    return tl::unexpected(Fault{reason, path.string(), std::move(detail)});
  };
  const auto original = find_original(path);
  if (!original) return tl::unexpected(original.error());
  struct Copy {
    fs::path path;
    ~Copy() { ::unlink(path.c_str()); }
  } const copy{name_of_copy(original->path)};
  if (auto made = make_copy(original->path, copy.path); !made) return made;

  const Descriptor old_file(::open(original->path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const Descriptor new_file(::open(copy.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (old_file.get() < 0 || new_file.get() < 0) return fault("changed since", system_text());
  // A lease shows whether another process has opened the file for writing, now or later, and makes the later ones wait
  // until the rename. Its signal must be one that is ignored. Some file systems have none.
  const bool leased =
      ::fcntl(old_file.get(), F_SETSIG, SIGURG) == 0 && ::fcntl(old_file.get(), F_SETLEASE, F_RDLCK) == 0;
  if (!leased && errno == EAGAIN) return fault("in use", "another program has it open for writing");
  if (!copy_attributes(old_file.get(), new_file.get())) return fault("attributes cannot be kept", system_text());
  {
    const std::string old_bytes = read_file(original->path), new_bytes = read_file(copy.path);
    const auto now = find_original(path);
    if (!now || now->path != original->path || !unchanged(now->status, original->status))
      return fault("changed since", "while its copy was made");
    before_rename(old_bytes, new_bytes);
  }
  const auto now = find_original(path);
  if (!now || !unchanged(now->status, original->status)) return fault("changed since", "before it was replaced");
  if (leased && ::fcntl(old_file.get(), F_GETLEASE) != F_RDLCK) return fault("in use", "another program opened it");
  if (::rename(copy.path.c_str(), original->path.c_str()) != 0) return fault("cannot be replaced", system_text());
  return {};
}

std::string make_patch(std::string_view old_bytes, std::string_view new_bytes) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  if (!context) throw std::bad_alloc();
  // The window reaches from any byte back to the start of the prefix.
  const int window = std::clamp(static_cast<int>(std::bit_width(old_bytes.size() + new_bytes.size())), 17, 31);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, 1);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, window);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_enableLongDistanceMatching, 1);
  ZSTD_CCtx_refPrefix(context.get(), new_bytes.data(), new_bytes.size());
  const std::size_t most = ZSTD_compressBound(old_bytes.size());
  const auto buffer = std::make_unique_for_overwrite<char[]>(most);  // of which few pages are used
  const std::size_t size = ZSTD_compress2(context.get(), buffer.get(), most, old_bytes.data(), old_bytes.size());
  if (ZSTD_isError(size)) throw std::bad_alloc();  // the only error that valid parameters leave
  std::string patch(buffer.get(), size);
  if (apply_patch(patch, new_bytes, old_bytes.size()) != old_bytes)
    throw Error("the change could not be journalled: zstd does not restore the old bytes", "", "test the memory");
  return patch;
}

std::optional<std::string> apply_patch(std::string_view patch, std::string_view new_bytes, std::size_t old_size) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) throw std::bad_alloc();
  ZSTD_DCtx_refPrefix(context.get(), new_bytes.data(), new_bytes.size());
  std::string old_bytes(old_size, '\0');
  if (ZSTD_decompressDCtx(context.get(), old_bytes.data(), old_size, patch.data(), patch.size()) != old_size)
    return std::nullopt;
  return old_bytes;
}

}  // namespace genrewise
