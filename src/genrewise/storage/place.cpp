#include "genrewise/storage/place.hpp"

#include <algorithm>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

// What stands in a URL's host or path must not be able to lead the request elsewhere.
bool is_bucket_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  };
  return text.size() >= 3 && text.size() <= 222 && std::ranges::all_of(text, allowed) && !text.starts_with('.') &&
         text.find("..") == std::string_view::npos;
}

}  // namespace

bool is_remote(std::string_view place) {
  return place.starts_with("s3://") || place.starts_with("gs://");
}

ObjectName parse_place(std::string_view place) {
  if (!is_remote(place)) throw Error("is no place in an object store", std::string(place), "write s3://BUCKET/NAME");
  const std::string_view rest = place.substr(5);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  ObjectName name{std::string(place.substr(0, 2)), std::string(rest.substr(0, slash)), {}};
  if (slash < rest.size()) name.key = rest.substr(slash + 1);
  if (!is_bucket_name(name.bucket)) {
    throw Error(name.bucket.empty() ? "names no bucket" : "\"" + name.bucket + "\" is no name of a bucket",
                std::string(place), "write " + name.scheme + "://BUCKET/NAME");
  }
  return name;
}

std::string to_place(const ObjectName& name) {
  return name.scheme + "://" + name.bucket + "/" + name.key;
}

std::string join_place(std::string_view folder, std::string_view name) {
  std::string place(folder);
  if (!place.ends_with('/')) place += '/';
  return place += name;
}

std::string_view last_name(std::string_view place) {
  return place.substr(place.find_last_of('/') + 1);
}

}  // namespace genrewise
