#include "genrewise/dataset/csv_columns.hpp"

#include <algorithm>
#include <span>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

struct Meaning {
  std::string_view name;
  std::vector<std::string_view> synonyms;
};

// A path decides that a CSV is a list of clips, so it has no synonyms: tables of features name their files too.
const std::vector<Meaning>& meanings() {
  static const std::vector<Meaning> all = {
      {"path", {}},
      {"genre", {"label", "genre_top", "track_genre", "class", "target"}},
      {"track_id", {"trackid", "id"}},
      {"filename", {"file_name", "file", "filepath", "file_path", "audio_file", "audio_path"}},
      {"artist", {"artist_name"}},
      {"album", {"album_name", "album_title"}},
      {"title", {"track_title", "track_name"}},
      {"split", {"part", "partition"}},
      {"start_s", {}},
      {"duration_s", {}},
  };
  return all;
}

std::string plain_name(std::string_view cell) {
  std::string name = lower_case(trimmed(cell));
  std::ranges::replace_if(
      name, [](char c) { return c == ' ' || c == '-'; }, '_');
  return name;
}

bool is_unnamed(std::string_view name) {
  return name.empty() || name.starts_with("unnamed:");
}

}  // namespace

CsvColumns::CsvColumns(const std::vector<std::string_view>& header) {
  for (const std::string_view cell : header) {
    names_.push_back(plain_name(cell));
    meanings_.push_back(names_.back());
    ranks_.push_back(0);
    for (const Meaning& meaning : meanings()) {
      const auto found = std::ranges::find(meaning.synonyms, names_.back());
      if (found == meaning.synonyms.end()) continue;
      meanings_.back() = meaning.name;
      ranks_.back() = 1 + static_cast<std::size_t>(found - meaning.synonyms.begin());
    }
  }
}

std::optional<std::size_t> CsvColumns::find(std::string_view meaning) const {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < meanings_.size(); ++i) {
    if (meanings_[i] == meaning && (!best || ranks_[i] < ranks_[*best])) best = i;
  }
  return best;
}

bool CsvColumns::is_described(std::size_t column) const {
  if (is_unnamed(names_[column])) return true;
  if (meanings_[column] == "start_s" || meanings_[column] == "duration_s") return false;
  return std::ranges::find(meanings(), meanings_[column], &Meaning::name) != meanings().end();
}

bool CsvColumns::lists_clips() const {
  if (!find("genre")) return false;
  if (find("path")) return true;
  if (!find("filename")) return false;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (!is_described(i) && meanings_[i] != "start_s" && meanings_[i] != "duration_s") return false;
  }
  return true;
}

std::string CsvColumns::repeated() const {
  std::vector<std::string_view> sorted(names_.begin(), names_.end());
  std::ranges::sort(sorted);
  const auto at = std::ranges::adjacent_find(
      sorted, [](std::string_view a, std::string_view b) { return a == b && !is_unnamed(a); });
  return at == sorted.end() ? std::string() : std::string(*at);
}

CsvColumns read_csv_columns(const std::filesystem::path& path) {
  const std::string line = first_line(path);
  try {
    CsvReader reader(line, path.string());
    std::vector<std::string_view> header;
    reader.next(header);
    return CsvColumns(header);
  } catch (const Error&) {  // an unclosed quote: a line break in the header, or not a CSV
    return {};
  }
}

std::string first_line(const std::filesystem::path& path) {
  if (!find_file(path)) return {};
  const auto file = open_file(path);
  constexpr std::size_t kPieceBytes = 64 << 10, kLongestHeader = 4 << 20;  // enough for 90,370 columns
  std::string line;
  std::size_t end = std::string::npos;
  while (end == std::string::npos && line.size() < std::min<std::uint64_t>(kLongestHeader, file->size())) {
    const std::size_t before = line.size();
    line.resize(before + kPieceBytes);
    line.resize(before + file->read_at(before, std::as_writable_bytes(std::span(line).subspan(before))));
    end = line.find_first_of("\r\n", before);
  }
  line.resize(std::min(end, line.size()));
  return line;
}

}  // namespace genrewise
