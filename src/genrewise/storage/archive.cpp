#include "genrewise/storage/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/shared_library.hpp"
#include "genrewise/base/utf8_locale.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/loaded_libraries.hpp"
#include "genrewise/storage/local_files.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr SharedLibrary kArchive{GENREWISE_LIBARCHIVE, "libarchive"};
GENREWISE_LOADED_FUNCTION(kArchive, archive_entry_filetype);
GENREWISE_LOADED_FUNCTION(kArchive, archive_entry_pathname);
GENREWISE_LOADED_FUNCTION(kArchive, archive_entry_pathname_utf8);
GENREWISE_LOADED_FUNCTION(kArchive, archive_entry_size);
GENREWISE_LOADED_FUNCTION(kArchive, archive_error_string);
GENREWISE_LOADED_FUNCTION(kArchive, archive_format_name);
GENREWISE_LOADED_FUNCTION(kArchive, archive_read_data);
GENREWISE_LOADED_FUNCTION(kArchive, archive_read_free);
GENREWISE_LOADED_FUNCTION(kArchive, archive_read_new);
GENREWISE_LOADED_FUNCTION(kArchive, archive_read_next_header);
GENREWISE_LOADED_FUNCTION(kArchive, archive_read_open_filename);
GENREWISE_LOADED_FUNCTION(kArchive, archive_read_open_memory);
GENREWISE_LOADED_FUNCTION(kArchive, archive_read_support_format_zip_seekable);

class ZipReader {
 public:
  explicit ZipReader(const fs::path& file) : ZipReader(file.string()) {
    constexpr std::size_t kBlockBytes = 1 << 20;
    if (!is_file(file)) throw Error("no such file", name_, "check the path");
    check(archive_read_open_filename(archive_.get(), name_.c_str(), kBlockBytes));
  }
  ZipReader(std::string_view bytes, const std::string& name) : ZipReader(name) {
    check(archive_read_open_memory(archive_.get(), bytes.data(), bytes.size()));
  }

  /// Moves to the next entry; false behind the last.
  bool next() {
    throw_if_interrupted();
    const int code = archive_read_next_header(archive_.get(), &entry_);
    if (code == ARCHIVE_EOF) return false;
    if (code != ARCHIVE_WARN) check(code);  // a warning: about the name
    // Others take the memory that the archive states: up to 4 GiB for LZMA.
    const std::string_view format = archive_format_name(archive_.get());  // "ZIP 2.0 (deflation)"
    constexpr std::string_view kMethods[] = {"(uncompressed)", "(deflation)", "(bzip)"};
    if (std::ranges::none_of(kMethods, [&](std::string_view method) { return format.ends_with(method); }))
      fail(fmt::format("is compressed by another method than deflate and bzip2 ({})", format));
    return true;
  }
  /// Of the current entry; checked, so that it is inside of the folder to unpack into.
  std::string entry_name() const {
    const char* text = archive_entry_pathname_utf8(entry_);
    if (text == nullptr) text = archive_entry_pathname(entry_);
    const std::string name = text != nullptr ? text : "";
    if (archive_entry_filetype(entry_) == AE_IFLNK) fail(fmt::format("contains a link ({})", name));
    const fs::path path = name;
    if (path.is_absolute() || path.empty() || std::ranges::find(path, fs::path("..")) != path.end())
      fail(fmt::format("contains the name '{}', which leads out of its folder", name));
    return name;
  }
  bool is_folder() const { return archive_entry_filetype(entry_) == AE_IFDIR; }
  std::uint64_t bytes() const { return static_cast<std::uint64_t>(archive_entry_size(entry_)); }
  /// Calls `use` for pieces of the current entry's content.
  template <class Use>
  void read(const Use& use) {
    std::string piece(std::size_t{1} << 18, '\0');
    for (;;) {
      throw_if_interrupted();
      const la_ssize_t got = archive_read_data(archive_.get(), piece.data(), piece.size());
      if (got == 0) return;
      if (got < 0) check(static_cast<int>(got));
      use(std::string_view(piece).substr(0, static_cast<std::size_t>(got)));
    }
  }
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(problem, name_, "the archive is damaged or not the expected one: get it again");
  }

 private:
  struct Free {
    void operator()(archive* used) const { archive_read_free(used); }
  };

  explicit ZipReader(std::string name) : name_(std::move(name)), archive_(archive_read_new()) {
    if (!archive_) throw std::bad_alloc();
    archive_read_support_format_zip_seekable(archive_.get());  // by its list of contents: a truncated one is refused
  }
  void check(int code) const {
    if (code == ARCHIVE_OK) return;
    const char* reason = archive_error_string(archive_.get());
    fail(fmt::format("is not a valid zip archive ({})", reason != nullptr ? reason : "damaged"));
  }

  Utf8Locale utf8_;  // of names
  std::string name_;
  std::unique_ptr<archive, Free> archive_;
  archive_entry* entry_ = nullptr;
};

}  // namespace

void unpack_archive(const fs::path& archive, const fs::path& folder, Progress& progress) {
  std::set<fs::path> tops;
  std::uint64_t unpacked_bytes = 0;
  for (ZipReader zip(archive); zip.next(); unpacked_bytes += zip.bytes())
    tops.insert(*fs::path(zip.entry_name()).begin());
  make_folders(folder);
  for (const fs::path& top : tops) {
    if (path_exists(folder / top)) {
      throw Error("already exists", (folder / top).string(), "delete or rename it, then unpack the archive again");
    }
  }
  require_disk_space(folder, unpacked_bytes);
  const WorkFolder work(folder / fmt::format(".{}.unpacking", archive.filename().string()));
  progress.begin("unpack", "bytes", unpacked_bytes);
  for (ZipReader zip(archive); zip.next();) {
    const fs::path path = work.path() / zip.entry_name();
    make_folders(zip.is_folder() ? path : path.parent_path());
    if (zip.is_folder()) continue;
    AppendFile file(path);
    zip.read([&](std::string_view piece) {
      file.write(piece);
      progress.advance(piece.size());
    });
  }
  progress.finish();
  for (const fs::path& top : tops) rename_path(work.path() / top, folder / top);
}

ArchiveFiles read_archive(std::string_view bytes, const std::string& name) {
  ArchiveFiles files;
  std::uint64_t total = 0;
  for (ZipReader zip(bytes, name); zip.next();) {
    std::string& content = files[zip.entry_name()];
    zip.read([&](std::string_view piece) {
      content += piece;
      if ((total += piece.size()) > 2 * bytes.size()) zip.fail("is compressed too much, or its files overlap");
    });
  }
  return files;
}

}  // namespace genrewise
