// The map of genres.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "genrewise/dataset/genre_map.hpp"

namespace genrewise::python {

void bind_genres(nanobind::module_& module) {
  namespace nb = nanobind;
  module.def(
      "fold_genres",
      [](const std::vector<std::string>& names, const std::optional<std::filesystem::path>& map, bool top_level) {
        return (map ? GenreMap(*map) : GenreMap::standard()).fold(names, top_level);
      },
      nb::arg("names"), nb::arg("map"), nb::arg("top_level"));
}

}  // namespace genrewise::python
