#include "genrewise/report/report.hpp"

#include <fmt/format.h>

#include <string>

#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/report/formats.hpp"
#include "genrewise/report/text.hpp"
#include "genrewise/study/run_document.hpp"
#include "web_sources.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

/// JSON text that can stand inside a script element: no "<" is left that could end the element or open a comment.
std::string script_json(const json& document) {
  std::string safe;
  for (const char c : document.dump()) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string cell(const std::string& text) {
  return "<td>" + escape_html(text) + "</td>";
}

/// One self-contained page: document, styles and modules are inline. The content security policy allows the page's own
/// script and style by a nonce, images that the page draws, and local audio files; every other request is blocked.
/// `title`: after the run's name; `table`: rows of the table that is shown without JavaScript.
std::string page_of(const json& document, std::string_view title, const std::string& table) {
  const std::string data = script_json(document);
  return fmt::format(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; img-src data:; media-src file:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="genrewise {1}">
<title>{2} · {3}</title>
<style nonce="{0}">
{4}</style>
</head>
<body>
<noscript>
<h1>{2}</h1>
<p>This page draws its figures with JavaScript, which is switched off. The main results:</p>
<table>
{5}</table>
</noscript>
<script type="application/json" id="document">{6}</script>
<script type="module" nonce="{0}">
{7}</script>
</body>
</html>
)",
                     sha256_hex(data), escape_html(document.at("program_version").get<std::string>()),
                     escape_html(document.at("name").get<std::string>()), title, kStyle, table, data, kScript);
}

std::string study_page(const json& results) {
  std::string table = "<tr><th>Model</th><th>Test accuracy</th><th>95 % interval</th></tr>\n";
  for (const json& model : results.at("models")) {
    table += "<tr>" + cell(model.at("title"));
    if (model.contains("error")) {
      table += cell(model.at("error")) + cell("");
    } else {
      const json& accuracy = model.at("accuracy");
      table += cell(percent(accuracy.at("value"))) +
               cell(fmt::format("{:.1f} - {}", 100 * accuracy.at("low").get<double>(), percent(accuracy.at("high"))));
    }
    table += "</tr>\n";
  }
  return page_of(results, "genre study", table);
}

std::string tuning_page(const json& results) {
  std::string table = "<tr><th>Setting</th><th>Parameters</th><th>Accuracy</th></tr>\n";
  for (const char* which : {"best", "one_standard_error"}) {
    const json& point = results.at("points").at(results.at(which).get<std::size_t>());
    std::string parameters;
    for (const auto& [name, value] : point.at("varied").items()) {
      parameters += fmt::format("{}{}={}", parameters.empty() ? "" : " ", name, value.get<std::string>());
    }
    const bool best = std::string_view(which) == "best";
    table += "<tr>" + cell(best ? "best" : "simplest within one standard error") + cell(parameters) +
             cell(percent(point.at("accuracy"))) + "</tr>\n";
  }
  return page_of(results, "parameter search", table);
}

constexpr char kRemedy[] = "run the command that wrote it again";

}  // namespace

std::string render_report(const json& document) {
  require_document(document, "genrewise results",
                   {"name", "program_version", "command", "created", "seed", "dataset", "feature_sets", "split",
                    "preprocessing", "labels", "models", "best", "baseline", "notes"},
                   "results.json");
  return read_json("results.json", kRemedy, [&] { return study_page(valid_utf8(document)); });
}

std::string render_tuning_report(const json& document) {
  require_document(document, "genrewise tuning",
                   {"name", "program_version", "command", "created", "seed", "dataset", "features", "kind", "axes",
                    "folds", "scheme", "points", "best", "one_standard_error", "explained_variance", "notes"},
                   "tuning.json");
  return read_json("tuning.json", kRemedy, [&] { return tuning_page(valid_utf8(document)); });
}

}  // namespace genrewise
