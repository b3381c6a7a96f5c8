#include "genrewise/dataset/dataset.hpp"

#include <algorithm>
#include <cctype>

#include "genrewise/dataset/builder.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {

std::string_view to_string(Part part) {
  switch (part) {
    case Part::training:
      return "training";
    case Part::validation:
      return "validation";
    case Part::test:
      return "test";
  }
  return "training";
}

std::optional<Part> parse_part(std::string_view text) {
  std::string word(text);
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
  if (word == "training" || word == "train") return Part::training;
  if (word == "validation" || word == "valid" || word == "val") return Part::validation;
  if (word == "test") return Part::test;
  return std::nullopt;
}

namespace {

Dataset open_by_kind(const std::filesystem::path& place, const DatasetOptions& options) {
  if (file_exists(place)) return open_csv(place, options);
  if (!folder_exists(place)) {
    if (std::filesystem::exists(place)) return open_csv(place, options);  // a pipe
    throw Error("no such file or folder", place.string(),
                "give an FMA folder, a folder with one sub-folder per genre, or a CSV");
  }
  require_local(
      place, "a dataset that is a folder",
      "in an object store a dataset is a CSV with the columns path and genre; its paths count from its folder");
  if (is_fma_folder(place)) return open_fma(place, options);
  if (const auto csv = find_csv_in(place); !csv.empty()) return open_csv(csv, options);
  return open_genre_folders(place);
}

}  // namespace

Dataset open_dataset(const std::filesystem::path& place, const DatasetOptions& options) try {
  return open_by_kind(place, options);
} catch (const std::filesystem::filesystem_error& error) {
  throw Error("cannot be read (" + error.code().message() + ")", error.path1().string(),
              "check the permissions of the folder and of those above it");
}

}  // namespace genrewise
