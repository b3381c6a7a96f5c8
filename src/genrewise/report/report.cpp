
#include <fmt/format.h>

#include <string>

#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/report/formats.hpp"
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

/// One self-contained page: document, styles and modules are inline. The content security policy allows the page's own
/// script and style by a nonce, images that the page draws, and local audio files; every other request is blocked.
/// `title`: after the run's name.
std::string page_of(const json& document, std::string_view title) {
  sections_of(document);  // throws for a value that is missing or of another type
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
<p>This page draws its figures with JavaScript, which is switched off. <code>genrewise report RUN --format md</code> prints the results.</p>
</noscript>
<script type="application/json" id="document">{5}</script>
<script type="module" nonce="{0}">
{6}</script>
</body>
</html>
)",
                     sha256_hex(data), escape_html(document.at("program_version").get<std::string>()),
                     escape_html(document.at("name").get<std::string>()), title, kStyle, data, kScript);
}

constexpr char kRemedy[] = "run the command that wrote it again";

}  // namespace

std::string render_report(const json& document) {
  require_document(document, "genrewise results",
                   {"name", "program_version", "command", "created", "seed", "dataset", "feature_sets", "split",
                    "preprocessing", "labels", "models", "best", "baseline", "notes"},
                   "results.json");
  return read_json("results.json", kRemedy, [&] { return page_of(valid_utf8(document), "genre study"); });
}

std::string render_tuning_report(const json& document) {
  require_document(document, "genrewise tuning",
                   {"name", "program_version", "command", "created", "seed", "dataset", "features", "kind", "axes",
                    "folds", "scheme", "points", "best", "one_standard_error", "explained_variance", "notes"},
                   "tuning.json");
  return read_json("tuning.json", kRemedy, [&] { return page_of(valid_utf8(document), "parameter search"); });
}

}  // namespace genrewise
