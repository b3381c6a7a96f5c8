#include "genrewise/report/page.hpp"

#include <kainjow/mustache.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/report/charts.hpp"
#include "report_sources.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

kainjow::mustache::data as_mustache(const json& value) {
  namespace mustache = kainjow::mustache;
  if (value.is_object()) {
    mustache::data object{mustache::data::type::object};
    for (const auto& [key, member] : value.items()) object.set(key, as_mustache(member));
    return object;
  }
  if (value.is_array()) {
    mustache::data list{mustache::data::type::list};
    for (const json& member : value) list.push_back(as_mustache(member));
    return list;
  }
  if (value.is_null()) return mustache::data{false};
  if (value.is_boolean()) return mustache::data{value.get<bool>()};
  return mustache::data{value.is_string() ? value.get<std::string>() : value.dump()};
}

}  // namespace

std::string render_page(const char* page, json view) {
  view["css"] = kReportCss;
  kainjow::mustache::mustache mustache(std::string{page});
  if (!mustache.is_valid()) throw Error(mustache.error_message(), "report template");
  mustache.set_custom_escape([](const std::string& text) { return escape_html(text); });
  auto filled = as_mustache(view);
  filled.set("head", kainjow::mustache::data{kainjow::mustache::partial([] { return std::string(kHeadHtml); })});
  return mustache.render(filled);
}

std::string location_of(const json& dataset) {
  return dataset.at(dataset.contains("location") ? "location" : "place").get<std::string>();
}

json valid_utf8(const json& document) {
  return json::parse(document.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace genrewise
