#include "genrewise/storage/location.hpp"

#include <new>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/curl_library.hpp"
#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {

namespace fs = std::filesystem;

std::string join_location(std::string_view folder, std::string_view name) {
  std::string location(folder);
  if (!location.ends_with('/')) location += '/';
  return location += name;
}

std::string_view last_name(std::string_view location) {
  return location.substr(location.find_last_of('/') + 1);
}

std::string percent_encoded(std::string_view text, bool keep_slashes) {
  if (text.empty()) return {};  // libcurl takes a length of 0 for an unknown one
  char* const escaped = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  if (escaped == nullptr) throw std::bad_alloc();
  std::string out(escaped);
  curl_free(escaped);
  constexpr std::string_view kSlash = "%2F";
  for (std::size_t at = 0; keep_slashes && (at = out.find(kSlash, at)) != std::string::npos; ++at)
    out.replace(at, kSlash.size(), "/");
  return out;
}

std::string percent_decoded(std::string_view text) {
  if (text.empty()) return {};  // libcurl takes a length of 0 for an unknown one
  int length = 0;
  char* const decoded = curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &length);
  if (decoded == nullptr) throw std::bad_alloc();
  std::string out(decoded, static_cast<std::size_t>(length));
  curl_free(decoded);
  return out;
}

fs::path resolve_location(const fs::path& folder, std::string_view location) {
  if (is_remote(location)) return location;
  const auto whole = folder / location;
  return is_remote(whole.native()) ? whole : whole.lexically_normal();
}

fs::path absolute_location(const fs::path& location) {
  return is_remote(location.native()) ? location : absolute_path(location).lexically_normal();
}

fs::path canonical_location(const fs::path& location) {
  if (is_remote(location.native())) return location;
  std::error_code ignored;
  const auto whole = fs::weakly_canonical(location, ignored);
  return whole.empty() ? location : whole;
}

Expected<void> check_file(const fs::path& location) {
  if (is_remote(location.native())) return {};
  const auto fault = [&](const char* reason, std::string detail) {
    return tl::unexpected(Fault{reason, location.string(), std::move(detail)});
  };
  std::error_code code;
  const fs::file_status status = fs::status(location, code);
  if (fs::is_regular_file(status)) return {};
  if (fs::is_directory(status)) return fault("cannot be opened", "is a folder");
  if (status.type() == fs::file_type::not_found) return fault("missing file", "does not exist");
  if (code) return fault("cannot be opened", "is not accessible: " + code.message());
  return fault("cannot be opened", "is not a regular file");
}

fs::path local_work_path(const fs::path& location) {
  if (!is_remote(location.native())) return location;
  const fs::path cache = environment_variable("XDG_CACHE_HOME"), home = environment_variable("HOME");
  const fs::path root = cache.is_absolute() ? cache : home.is_absolute() ? home / ".cache" : temporary_folder();
  return root / "genrewise" / sha256_hex(location.native()).substr(0, 16);
}

}  // namespace genrewise
