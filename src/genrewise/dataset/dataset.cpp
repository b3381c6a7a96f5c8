#include "genrewise/dataset/dataset.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {

std::string_view to_string(Part part) {
  constexpr std::string_view kNames[] = {"training", "validation", "test"};
  return kNames[static_cast<std::size_t>(part)];
}

std::optional<Part> parse_part(std::string_view text) {
  const std::string word = lower_case(text);
  if (word == "training" || word == "train") return Part::training;
  if (word == "validation" || word == "valid" || word == "val") return Part::validation;
  if (word == "test") return Part::test;
  return std::nullopt;
}

std::string_view to_string(LabelSource source) {
  constexpr std::string_view kNames[] = {"auto", "folders", "tags"};
  return kNames[static_cast<std::size_t>(source)];
}

void require_for_kind(const DatasetOptions& options, std::string_view kind, const std::string& location) {
  const bool tags = kind == "tags", is_folder_of_music = tags || kind == "folder";
  const struct {
    bool given, has_effect;
    const char *option, *what;
  } all[] = {{options.fma_subset.has_value(), kind == "fma", "--subset", "only an FMA dataset has subsets"},
             {options.labels != LabelSource::automatic, is_folder_of_music, "--labels",
              "only a folder of music files has genres to choose from"},
             {!options.genre_map.empty(), tags, "--map", "only genres of tags are mapped (--labels tags)"},
             {options.top_genres, tags, "--top-genres", "only genres of tags are mapped (--labels tags)"}};
  for (const auto& [given, has_effect, option, what] : all)
    if (given && !has_effect)
      throw UsageError(fmt::format("{}, and this is not one: {}", what, location), option, "leave the option out");
}

namespace {

Dataset open_by_kind(const std::filesystem::path& location, const DatasetOptions& options) {
  for (const DatasetKindDescriptor& kind : dataset_kinds())
    if (kind.recognises(location, options)) return kind.open(location, options);
  if (folder_exists(location)) {
    require_local(
        location, "a dataset that is a folder",
        "in an object store a dataset is a CSV with the columns path and genre; paths are relative to its folder");
  }
  std::vector<std::string> locations;
  for (const DatasetKindDescriptor& kind : dataset_kinds()) locations.push_back(kind.location);
  throw Error("no such file or folder", location.string(), fmt::format("give {}", fmt::join(locations, ", or ")));
}

}  // namespace

std::vector<DatasetKindDescriptor> dataset_kinds() {
#define GENREWISE_CALL(name) name(),
  return {GENREWISE_DATASET_KINDS(GENREWISE_CALL)};
#undef GENREWISE_CALL
}

Dataset open_dataset(const std::filesystem::path& location, const DatasetOptions& options) {
  Dataset dataset = open_by_kind(location, options);
  require_for_kind(options, dataset.kind, location.string());
  return dataset;
}

}  // namespace genrewise
