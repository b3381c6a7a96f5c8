#include "genrewise/storage/object_store.hpp"

#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/local_store.hpp"
#include "genrewise/storage/s3_settings.hpp"
#include "genrewise/storage/s3_store.hpp"

namespace genrewise {
namespace {

struct Stores {
  std::mutex mutex;
  ObjectStoreOptions options;
  std::map<std::string, std::weak_ptr<ObjectStore>, std::less<>> open;  // by scheme; "" for local ones
};

Stores& stores() {
  static Stores all;
  return all;
}

}  // namespace

void set_object_store_options(ObjectStoreOptions options) {
  const std::lock_guard lock(stores().mutex);
  stores().options = std::move(options);
  stores().open.clear();
}

std::shared_ptr<ObjectStore> open_store(std::string_view place) {
  const std::string scheme(is_remote(place) ? place.substr(0, 2) : "");
  const std::lock_guard lock(stores().mutex);
  auto& kept = stores().open[scheme];
  if (auto store = kept.lock()) return store;
  auto store = scheme.empty() ? make_local_store() : make_s3_store(find_s3_settings(scheme, stores().options));
  kept = store;
  return store;
}

std::optional<ObjectInfo> find_object(const std::string& place) {
  return open_store(place)->find(place);
}

bool object_exists(const std::string& place) {
  return find_object(place).has_value();
}

std::string read_object(const std::string& place) {
  const auto store = open_store(place);
  const auto found = store->find(place);
  if (!found) throw Error("there is no such object", place, "check the name; `genrewise list` shows what is there");
  std::string bytes(found->bytes, '\0');
  const std::size_t got = store->open(*found)->read_at(0, std::as_writable_bytes(std::span(bytes)));
  bytes.resize(got);
  return bytes;
}

void write_object(const std::string& place, std::string_view bytes) {
  const auto writer = open_store(place)->create(place, bytes.size());
  writer->write(bytes);
  writer->commit();
}

void upload_file(const std::filesystem::path& file, const std::string& place,
                 const std::function<void(std::uint64_t)>& on_progress) {
  constexpr std::size_t kPiece = 1 << 20;
  const auto here = make_local_store();
  const auto found = here->find(file.string());
  if (!found) throw Error("there is no such file", file.string());
  const auto reader = here->open(*found);
  const auto writer = open_store(place)->create(place, found->bytes);
  std::vector<char> buffer(kPiece);
  for (std::uint64_t at = 0; at < found->bytes;) {
    const std::size_t got = reader->read_at(at, std::as_writable_bytes(std::span(buffer)));
    if (got == 0) break;
    writer->write({buffer.data(), got});
    at += got;
    if (on_progress) on_progress(got);
  }
  writer->commit();
}

std::filesystem::path work_folder_for(std::string_view place) {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  std::filesystem::path root;
  if (cache != nullptr && *cache == '/') {
    root = cache;
  } else if (home != nullptr && *home == '/') {
    root = std::filesystem::path(home) / ".cache";
  } else {
    root = std::filesystem::temp_directory_path();
  }
  return root / "genrewise" / sha256_hex(place).substr(0, 16);
}

}  // namespace genrewise
