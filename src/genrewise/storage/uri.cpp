#include "genrewise/storage/uri.hpp"

#include <algorithm>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

// The bucket becomes part of a URL's host or path and must not redirect the request.
bool is_bucket_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  };
  return text.size() >= 3 && text.size() <= 222 && std::ranges::all_of(text, allowed) && !text.starts_with('.') &&
         text.find("..") == std::string_view::npos;
}

}  // namespace

bool is_remote(std::string_view location) {
  return location.starts_with("s3://") || location.starts_with("gs://");
}

ObjectName parse_uri(std::string_view uri) {
  if (!is_remote(uri)) throw Error("is not the URI of an object", std::string(uri), "give s3://BUCKET/NAME");
  const std::string_view rest = uri.substr(5);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  ObjectName name{std::string(uri.substr(0, 2)), std::string(rest.substr(0, slash)), {}};
  if (slash < rest.size()) name.key = rest.substr(slash + 1);
  if (!is_bucket_name(name.bucket)) {
    throw Error(name.bucket.empty() ? "names no bucket" : "\"" + name.bucket + "\" is not a bucket name",
                std::string(uri), "give " + name.scheme + "://BUCKET/NAME");
  }
  return name;
}

std::string to_uri(const ObjectName& name) {
  return name.scheme + "://" + name.bucket + "/" + name.key;
}

}  // namespace genrewise
