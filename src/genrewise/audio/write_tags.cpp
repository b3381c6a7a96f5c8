#include "genrewise/audio/tag_blocks.hpp"
#include "genrewise/audio/tags.hpp"

namespace genrewise {

std::vector<std::string_view> writable_tag_fields() {
  return {"genre", "artist", "albumartist", "album", "title", "grouping", "mood", "comment"};
}

Expected<std::vector<std::string>> read_tag_field(const std::filesystem::path& path, std::string_view field) {
  auto source = audio::ByteSource::open(path);
  if (!source) return tl::unexpected(std::move(source.error()));
  auto values = audio::tag_values(audio::find_tags(*source), field);
  if (auto read = source->check_read(); !read) return tl::unexpected(std::move(read.error()));
  return values;
}

Expected<void> write_tag_copy(const std::filesystem::path& original, const std::filesystem::path&, std::string_view,
                              const std::vector<std::string>&) {
  return tl::unexpected(Fault{"format has no writable tags", original.string(), ""});
}

}  // namespace genrewise
