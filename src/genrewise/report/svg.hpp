// Helpers of all charts of the report.
#pragma once

#include <string>
#include <string_view>

namespace genrewise {

/// Opening tag of an SVG image; `label` is the accessible label.
std::string open_svg(double width, double height, std::string_view css_class, std::string_view label);

/// The first 20 letters of a text, with an ellipsis if it is longer.
std::string cut(std::string_view text);

}  // namespace genrewise
