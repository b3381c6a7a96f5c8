// What tags_interop.py drives:
//   interop_tags read FILE                     its tags and the hash of its audio, as JSON
//   interop_tags write FILE COPY FIELD VALUE...    a copy with other values of a field
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/audio/tags.hpp"

namespace {

using namespace genrewise;

int fail(const Fault& fault) {
  std::fprintf(stderr, "%s\n", to_string(fault).c_str());
  return 1;
}

int read(const char* file) {
  const auto tags = read_tags(file);
  const auto hash = audio_hash(file);
  if (!tags || !hash) return fail(tags ? hash.error() : tags.error());
  nlohmann::json json{{"genres", tags->genres}, {"artist", tags->artist}, {"album_artist", tags->album_artist},
                      {"album", tags->album},   {"title", tags->title},   {"track", tags->track},
                      {"year", tags->year},     {"hash", *hash}};
  for (const auto field : writable_tag_fields())
    if (const auto values = read_tag_field(file, field)) json["fields"][std::string(field)] = *values;
  std::printf("%s\n", json.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  try {
    if (what == "read") return read(argv[2]);
    if (what == "write" && argc > 4) {
      const auto written = write_tag_copy(argv[2], argv[3], argv[4], {argv + 5, argv + argc});
      return written ? 0 : fail(written.error());
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "usage: interop_tags read FILE | write FILE COPY FIELD VALUE...\n");
  return 2;
}
