#include "genrewise/study/run_document.hpp"

#include <fmt/format.h>

#include "genrewise/base/json_file.hpp"

namespace genrewise {

using nlohmann::json;

std::string document_text(const json& document) {
  return sealed_text(document, 1);
}

void require_known_version(const json& document, const std::string& where) {
  if (!document.is_object() || !document.contains("format_version")) return;
  const json& version = document.at("format_version");
  if (!version.is_number_integer()) throw Error("the format version is not an integer", where, "run it again");
  if (version > kRunFormatVersion) {
    throw NewerVersion(fmt::format("this is format version {}, but this program reads versions up to {}",
                                   version.dump(), kRunFormatVersion),
                       where, "use a newer genrewise");
  }
}

void require_document(const json& document, std::string_view format, std::initializer_list<const char*> names,
                      const std::string& where) {
  if (!document.is_object() || document.value("format", json()) != format) {
    throw Error(fmt::format("this is not a document of the format \"{}\"", format), where);
  }
  require_known_version(document, where);
  for (const char* name : names) {
    if (!document.contains(name)) {
      throw Error(fmt::format("the document lacks \"{}\"", name), where, "run the command that wrote it again");
    }
  }
}

}  // namespace genrewise
