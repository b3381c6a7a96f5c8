#include "genrewise/dataset/builder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool id_less(std::string_view a, std::string_view b) {
  const bool a_number = all_digits(a), b_number = all_digits(b);
  if (a_number != b_number) return a_number;
  if (a_number) {
    const auto value = [](std::string_view text) {
      return text.substr(std::min(text.find_first_not_of('0'), text.size()));
    };
    const std::string_view x = value(a), y = value(b);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  return a < b;
}

void require_enough(std::size_t tracks, const JobPart& part, const std::string& where) {
  if (tracks >= part.count) return;
  throw Error(fmt::format("has {} tracks, fewer than the {} parts", tracks, part.count), where, "give fewer parts");
}

DatasetBuilder::DatasetBuilder(std::string kind, const std::filesystem::path& location, bool keep_unlabelled)
    : keep_unlabelled_(keep_unlabelled) {
  const std::filesystem::path whole = absolute_location(location);
  const std::filesystem::path named = whole.has_filename() ? whole : whole.parent_path();
  dataset_.kind = std::move(kind);
  dataset_.name = named.filename().string();
  dataset_.root = !file_exists(location) && folder_exists(location) ? named : named.parent_path();
}

void DatasetBuilder::add(Track track, std::string_view genre, const std::string& where) {
  std::uint32_t line = 0;
  const std::size_t colon = where.rfind(':') + 1;
  if (colon > 0) parse_number(std::string_view(where).substr(colon), line);
  const auto [first, is_new] = line_by_id_.try_emplace(std::hash<std::string>()(track.id), line);
  if (!is_new && std::ranges::find(dataset_.tracks, track.id, &Track::id) != dataset_.tracks.end()) {
    throw Error(fmt::format("the track_id '{}' occurs twice, first at {}", track.id,
                            first->second > 0 ? fmt::format("{}{}", where.substr(0, colon), first->second) : track.id),
                where, "give every clip a unique track_id");
  }
  if (genre.empty() && !keep_unlabelled_) return reject("no genre", where);
  if (const auto file = check_file(track.path); !file) {
    return reject(file.error().reason, where, fmt::format("{} {}", track.path.string(), file.error().detail));
  }
  if (!genre.empty()) {
    track.label = label_ids_.try_emplace(std::string(genre), static_cast<int>(label_ids_.size())).first->second;
  }
  dataset_.tracks.push_back(std::move(track));
}

void DatasetBuilder::reject(std::string reason, std::string where, std::string detail) {
  dataset_.rejected.push_back({std::move(reason), std::move(where), std::move(detail)});
}

Dataset DatasetBuilder::build(const std::string& looked_for) && {
  if (dataset_.tracks.empty()) {
    const std::string& detail = dataset_.rejected.empty() ? "" : dataset_.rejected.front().detail;
    const std::string problem = dataset_.rejected.empty()
                                    ? "no audio files were found"
                                    : fmt::format("no track can be used ({}{}{})", counts_text(dataset_.rejected),
                                                  detail.empty() ? "" : "; first: ", detail);
    throw Error(problem, dataset_.root.string(), looked_for);
  }
  std::vector<int> new_id(label_ids_.size());
  for (const auto& [name, id] : label_ids_) dataset_.labels.push_back(name);
  std::ranges::sort(dataset_.labels);
  for (std::size_t i = 0; i < dataset_.labels.size(); ++i) {
    new_id[static_cast<std::size_t>(label_ids_.at(dataset_.labels[i]))] = static_cast<int>(i);
  }
  for (Track& track : dataset_.tracks) {
    if (track.label >= 0) track.label = new_id[static_cast<std::size_t>(track.label)];
  }
  std::ranges::sort(dataset_.tracks, id_less, &Track::id);
  return std::move(dataset_);
}

NamedCsv::NamedCsv(const std::filesystem::path& path) : text_(read_file(path)), reader_(text_, path.string()) {
  if (!reader_.next(fields_)) throw Error("the file is empty", path.string(), "the first row must name the columns");
  columns_ = CsvColumns(fields_);
  for (const std::string_view field : fields_) header_.emplace_back(trimmed(field));
  const std::string repeated = columns_.repeated();
  if (!repeated.empty())
    throw Error(fmt::format("two columns are named '{}'", repeated), where(), "rename one of them");
}

void NamedCsv::require(const std::vector<std::string>& columns, const std::string& remedy) const {
  std::string missing;
  for (const std::string& column : columns) {
    if (!has(column)) missing += (missing.empty() ? "'" : ", '") + column + "'";
  }
  if (missing.empty()) return;
  constexpr std::size_t kMostNames = 10;
  const bool all = header_.size() <= kMostNames;
  const std::span<const std::string> names(header_.data(), all ? header_.size() : kMostNames);
  throw Error(fmt::format("the column {} is missing (the first row has: {}{})", missing, fmt::join(names, ", "),
                          all ? "" : ", ..."),
              where(), remedy);
}

bool NamedCsv::next() {
  if (!reader_.next(fields_)) return false;
  if (fields_.size() == header_.size()) return true;
  throw Error(fmt::format("the row has {} fields, the header has {}", fields_.size(), header_.size()), where(),
              "put a field that contains commas or line breaks between double quotes");
}

std::string_view NamedCsv::get(std::string_view column) const {
  return trimmed(get_untrimmed(column));
}

std::string_view NamedCsv::get_untrimmed(std::string_view column) const {
  const auto found = columns_.find(column);
  return found ? fields_[*found] : std::string_view();
}

std::string NamedCsv::where() const {
  return fmt::format("{}:{}", reader_.name(), reader_.line());
}

NamedFile named_file(const std::filesystem::path& folder, std::string_view text) {
  std::error_code ignored;
  const std::string_view plain = trimmed(text);
  if (plain.size() < text.size()) {
    const std::filesystem::path as_written = resolve_location(folder, text);
    if (std::filesystem::is_regular_file(as_written, ignored)) return {as_written, std::string(text)};
  }
  return {resolve_location(folder, plain), std::string(plain)};
}

}  // namespace genrewise
