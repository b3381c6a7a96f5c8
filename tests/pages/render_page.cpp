// render_page DOCUMENT.json PAGE.html: renders the document of a study or of a search.
#include <nlohmann/json.hpp>

#include "genrewise/report/formats.hpp"
#include "genrewise/storage/files.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto document = nlohmann::json::parse(genrewise::read_file(argv[1]));
  const bool search = document.at("format") == "genrewise tuning";
  genrewise::write_file(argv[2],
                        search ? genrewise::render_tuning_report(document) : genrewise::render_report(document));
}
