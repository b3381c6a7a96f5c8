#include "genrewise/storage/files.hpp"

#include <algorithm>

#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

// Memory is used as bytes arrive: a server may state any size.
std::string read_all(const FileReader& file) {
  constexpr std::uint64_t kPieceBytes = 8 << 20;
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(std::min(file.size(), std::uint64_t{1} << 30)));
  SequentialReader reader(file);
  for (std::size_t at = 0; at < file.size(); at = bytes.size()) {
    bytes.resize(at + static_cast<std::size_t>(std::min(kPieceBytes, file.size() - at)));
    bytes.resize(at + reader.read(std::as_writable_bytes(std::span(bytes).subspan(at))));
    if (bytes.size() == at) break;
  }
  return bytes;
}

// "s3://bucket", "s3://bucket/folder/", "folder/"
bool names_a_folder(const std::string& location) {
  return location.ends_with('/') || (is_remote(location) && parse_uri(location).key.empty());
}

}  // namespace

std::size_t SequentialReader::read(std::span<std::byte> into) {
  announce();
  const std::size_t got = file_->read_at(position_, into);
  position_ += got;
  return got;
}

void SequentialReader::announce() {
  constexpr std::uint64_t kAhead = 32 << 20;
  if (announced_ >= file_->size() || position_ + kAhead < announced_) return;
  const ByteRange next{std::max(announced_, position_), kAhead};
  file_->prefetch({&next, 1});
  announced_ = next.offset + next.bytes;
}

std::optional<FileInfo> find_file(const std::filesystem::path& location) {
  if (names_a_folder(location)) return std::nullopt;
  return store_of(location.native())->find(location);
}

bool file_exists(const std::filesystem::path& location) {
  return find_file(location).has_value();
}

bool folder_exists(const std::filesystem::path& location) {
  return store_of(location.native())->has_folder(location);
}

std::vector<FileInfo> list_files(const std::filesystem::path& folder) {
  std::vector<FileInfo> files;
  const auto store = store_of(folder.native());
  if (!is_remote(folder.native()) && !store->has_folder(folder))
    return files;  // listing an empty prefix of a store is cheap
  store->list(join_location(folder.native(), ""), /*deep=*/false,
              [&](FileInfo file) { files.push_back(std::move(file)); });
  return files;
}

Expected<std::unique_ptr<FileReader>> try_open_file(const std::filesystem::path& location) {
  return store_of(location.native())->try_open(location);
}

std::unique_ptr<FileReader> open_file(const std::filesystem::path& location) {
  auto opened = try_open_file(location);
  if (opened) return std::move(*opened);
  throw FileError("cannot be opened (" + opened.error().detail + ")", location,
                  "check the name (`genrewise list` shows existing files) and your permissions");
}

std::unique_ptr<FileReader> open_file(const FileInfo& file) {
  return store_of(file.location)->open(file);
}

std::unique_ptr<FileWriter> create_file(const std::filesystem::path& location, WriteOptions options) {
  if (names_a_folder(location) || location.empty())
    throw Error("is not the name of a file", location.string(), "give a file name, not a folder");
  return store_of(location.native())->create(location, std::move(options));
}

std::string read_file(const std::filesystem::path& location) {
  return is_remote(location.native()) ? read_file_and_version(location).bytes : read_local_file(location);
}

// Starts again if the file is replaced while it is read: any consistent version will do.
FileContents read_file_and_version(const std::filesystem::path& location) {
  constexpr int kAttempts = 20;
  for (int attempt = 1;; ++attempt) {
    try {
      const auto file = open_file(location);
      return {read_all(*file), file->info().version};
    } catch (const FileError&) {
      if (attempt == kAttempts || !file_exists(location)) throw;
    }
  }
}

void write_file(const std::filesystem::path& location, std::string_view bytes) {
  const auto writer = create_file(location, {.expected_bytes = bytes.size()});
  writer->write(bytes);
  writer->commit();
}

bool write_file_if(const WriteCondition& condition, const std::filesystem::path& location, std::string_view bytes) try {
  const auto writer = create_file(location, {.expected_bytes = bytes.size(), .condition = condition});
  writer->write(bytes);
  writer->commit();
  return true;
} catch (const WriteConflict&) {
  return false;
}

void upload_file(const std::filesystem::path& file, const std::filesystem::path& location) {
  const auto reader = open_file(file);
  const auto writer = create_file(location, {.expected_bytes = reader->size()});
  SequentialReader bytes(*reader);
  std::string buffer(1 << 20, '\0');
  while (const std::size_t got = bytes.read(std::as_writable_bytes(std::span(buffer))))
    writer->write(std::string_view(buffer).substr(0, got));
  writer->commit();
}

void remove_file(const std::filesystem::path& location) {
  store_of(location.native())->remove(location);
}

void remove_unfinished(const std::filesystem::path& location) {
  store_of(location.native())->remove_unfinished(location);
}

void make_folders(const std::filesystem::path& folder) {
  store_of(folder.native())->make_folders(folder);
}

}  // namespace genrewise
