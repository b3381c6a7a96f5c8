#include "genrewise/audio/tags.hpp"

#include <algorithm>
#include <charconv>

#include "genrewise/audio/decode_workers.hpp"
#include "genrewise/audio/tag_blocks.hpp"
#include "genrewise/audio/tag_text.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kMaxGenres = 64;

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    if (text.size() + value.size() > audio::kMaxTextBytes) break;
    text += (text.empty() ? "" : "; ") + value;
  }
  return text;
}

/// The first number with so many digits: of "3/12", "2001-05-17"; of more than `most`, the first ("20010517").
int number_in(std::string_view text, std::size_t digits, std::size_t most) {
  constexpr std::string_view kDigits = "0123456789";
  text.remove_prefix(std::min(text.find_first_of(kDigits), text.size()));
  const std::size_t found = std::min(text.find_first_not_of(kDigits), text.size());
  if (found == 0) return 0;
  if (found < digits) return number_in(text.substr(found), digits, most);
  int number = 0;
  std::from_chars(text.data(), text.data() + std::min(found, most), number);
  return number;
}

}  // namespace

namespace audio {

Expected<Tags> tags_here(ByteSource& source) {
  const FileTags found = find_tags(source);
  const auto text = [&](std::string_view field) { return joined(tag_values(found, field)); };
  Tags tags{.genres = tag_values(found, "genre"),
            .artist = text("artist"),
            .album_artist = text("albumartist"),
            .album = text("album"),
            .title = text("title"),
            .track = number_in(text("track"), 1, text("track").size()),
            .year = number_in(text("year"), 4, 4)};
  tags.genres.resize(std::min(tags.genres.size(), kMaxGenres));
  if (auto read = source.check_read(); !read) return tl::unexpected(std::move(read.error()));
  return tags;
}

}  // namespace audio

Expected<Tags> read_tags(const std::filesystem::path& location) {
  auto source = audio::ByteSource::open(location);
  if (!source) return tl::unexpected(std::move(source.error()));
  auto& workers = Runtime::current().service<audio::DecodeWorkers>();
  return workers.are_used() ? workers.tags(*source, location.string()) : audio::tags_here(*source);
}

}  // namespace genrewise
