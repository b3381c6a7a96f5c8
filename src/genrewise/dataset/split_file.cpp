#include "genrewise/dataset/split.hpp"

#include <fmt/format.h>

#include <unordered_map>

#include "genrewise/base/text.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

void write_split_file(const std::filesystem::path& path, const SplitSubjects& subjects, const Split& split) {
  if (split.parts.size() != subjects.ids.size()) throw Error("the split belongs to other examples", path.string());
  std::string text = "track_id,part\n";
  for (std::size_t i = 0; i < subjects.ids.size(); ++i) {
    append_csv_field(text, subjects.ids[i]);
    text += ',';
    text += to_string(split.parts[i]);
    text += '\n';
  }
  write_file(path, text);
}

Split read_split_file(const std::filesystem::path& path, const SplitSubjects& subjects) {
  NamedCsv csv(path);
  csv.require({"track_id", "split"}, "create the split with genrewise split: it writes the columns track_id and part");
  std::unordered_map<std::string, Part> parts;
  while (csv.next()) {
    const auto part = parse_part(csv.get("split"));
    if (!part) {
      throw Error(fmt::format("the part is '{}'", csv.get("split")), csv.where(), "write training, validation or test");
    }
    if (!parts.try_emplace(std::string(csv.get("track_id")), *part).second) {
      throw Error(fmt::format("the track_id '{}' occurs twice", csv.get("track_id")), csv.where(),
                  "remove one of the rows");
    }
  }
  Split split{.scheme = SplitScheme::file, .seed = 0, .parts = {}};
  for (const std::string& id : subjects.ids) {
    const auto found = parts.find(std::string(trimmed(id)));
    if (found == parts.end()) {
      throw Error(fmt::format("has no row for the track '{}'", id), path.string(),
                  "create the split from this dataset with genrewise split");
    }
    split.parts.push_back(found->second);
  }
  return split;
}

}  // namespace genrewise
