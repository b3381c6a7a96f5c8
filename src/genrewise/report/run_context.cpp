#include <fmt/chrono.h>

#include <ctime>
#include <filesystem>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/report/results.hpp"

namespace genrewise {

StudyContext context_of(const DataSource& source, const std::string& output, std::string command,
                        std::vector<Fault> skipped) {
  return {.name = absolute_path(output).lexically_normal().filename().string(),
          .command = std::move(command),
          .created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
          .dataset_name = source.name(),
          .dataset_kind = source.kind(),
          .dataset_location = source.location(),
          .skipped = std::move(skipped),
          .features = {},
          .clip_facts = {},
          .genre_tree = {}};
}

}  // namespace genrewise
