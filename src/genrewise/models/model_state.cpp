#include "genrewise/models/model_state.hpp"

#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

void require_state_of(const TensorArchive& archive, const std::string& prefix, std::size_t labels,
                      std::size_t columns) {
  const auto require = [&](std::int64_t found_labels, std::int64_t found_columns) {
    if (found_labels != static_cast<std::int64_t>(labels) || found_columns != static_cast<std::int64_t>(columns))
      throw Error(fmt::format("its classifier has {} labels and {} columns, not {} and {}", found_labels, found_columns,
                              labels, columns),
                  archive.name());
  };
  if (const std::string name = prefix + "sizes"; archive.contains(name)) {  // a classical classifier
    const auto sizes = archive.integers(name, 2);
    require(sizes[0], sizes[1]);
  }
  if (const std::string name = prefix + "inputs"; archive.contains(name))  // a network
    require(static_cast<std::int64_t>(archive.count(prefix + "present")), archive.integer(name));
}

}  // namespace genrewise
