// What all charts of the report are written with.
#pragma once

#include <string>
#include <string_view>

namespace genrewise {

/// The opening tag of a picture; `label` is read out.
std::string open_svg(double width, double height, std::string_view css_class, std::string_view label);

/// At most 20 letters of a text, with an ellipsis where it was longer.
std::string cut(std::string_view text);

}  // namespace genrewise
