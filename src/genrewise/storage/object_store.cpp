#include "genrewise/storage/object_store.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

class ObjectReader final : public FileReader {
 public:
  ObjectReader(std::shared_ptr<ObjectStore> store, FileInfo file)
      : store_(std::move(store)),
        file_(std::move(file)),
        object_(
            std::make_shared<const StoredObject>(StoredObject{parse_uri(file_.location), file_.bytes, file_.version})) {
  }
  ~ObjectReader() override { store_->prefetcher().forget(*object_); }
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;

  const FileInfo& info() const override { return file_; }
  bool prefetches() const override { return true; }
  void prefetch(std::span<const ByteRange> ranges) const override { store_->prefetcher().request(object_, ranges); }

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (offset >= size()) return 0;
    into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size() - offset)));
    // Reads longer than a part use several connections.
    const ByteRange whole{offset, into.size()};
    if (into.size() > store_->client().settings().part_bytes) prefetch({&whole, 1});
    for (std::size_t done = 0; done < into.size();) {
      const auto rest = into.subspan(done);
      std::size_t got = store_->prefetcher().take(object_, offset + done, rest);
      if (got == 0) {
        fetch_range(store_->client(), *object_, {offset + done, rest.size()}, [&](std::span<const std::byte> bytes) {
          std::ranges::copy(bytes, rest.data() + got);
          got += bytes.size();
        });
      }
      done += got;
    }
    return into.size();
  }

 private:
  std::shared_ptr<ObjectStore> store_;
  FileInfo file_;
  std::shared_ptr<const StoredObject> object_;
};

}  // namespace

ObjectStore::ObjectStore(std::unique_ptr<ObjectClient> client)
    : client_(std::move(client)),
      prefetcher_(*client_,
                  2 * static_cast<std::uint64_t>(client_->settings().connections) * client_->settings().part_bytes) {}

void ObjectStore::list(const std::string& prefix, bool deep, const std::function<void(FileInfo)>& each) {
  std::set<std::string> seen;
  for (PageRequest page{.prefix = parse_uri(prefix), .deep = deep};;) {
    page.token = list_page(page, each);
    if (page.token.empty()) return;
    if (!seen.insert(page.token).second)
      throw Error("the server repeats the same page of its object list", prefix,
                  "check the endpoint " + client_->settings().endpoint);
  }
}

bool ObjectStore::has_folder(const std::string& location) {
  ObjectName name = parse_uri(location);
  if (!name.key.empty() && !name.key.ends_with('/')) name.key += '/';
  bool any = false;
  list_page({.prefix = std::move(name), .most = 1}, [&](const FileInfo&) { any = true; });
  return any;
}

Expected<std::unique_ptr<FileReader>> ObjectStore::try_open(const std::string& location) {
  const auto found = find(location);
  if (!found) return tl::unexpected(Fault{"cannot be opened", location, "there is no such object"});
  return open(*found);
}

std::unique_ptr<FileReader> ObjectStore::open(const FileInfo& file) {
  object_at(file.location);
  return std::make_unique<ObjectReader>(shared_from_this(), file);
}

void ObjectStore::remove(const std::string& location, bool cleaning) {
  client_->send({.method = "DELETE", .name = object_at(location), .expected = {404}, .cleaning = cleaning});
}

ObjectName ObjectStore::object_at(const std::string& location) {
  ObjectName name = parse_uri(location);
  if (name.key.empty()) throw Error("is a bucket, not an object", location, "name an object in it");
  return name;
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace genrewise
