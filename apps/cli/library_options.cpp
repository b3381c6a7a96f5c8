#include "library_options.hpp"

#include "option_group.hpp"

namespace genrewise::cli {
void LibraryOptions::add_to(CLI::App* command) {
  OptionGroup(command, kData)
      .add("--library", file, "FILE", "The catalogue; else GENREWISE_LIBRARY is used")
      ->default_str("~/.local/share/genrewise/library.db");
}

Catalogue LibraryOptions::open(Catalogue::Access access) const {
  return Catalogue(file.empty() ? default_catalogue() : file, access);
}

void TrackOptions::add_to(CLI::App* command, bool required) {
  OptionGroup(command, kData)
      .add("QUERY", query, "",
           "Paths of tracks or folders, or terms that all apply, as in genre:Rock confidence:>0.6 -artist:Bach "
           "added:<30d (docs/library.md)")
      ->required(required);
  LibraryOptions::add_to(command);
  one_of(OptionGroup(command, kOutput)
             .add("--sort", sort, "KEY", "Order of the tracks; confidence, novelty and added: highest first"),
         {std::begin(kSortKeys), std::end(kSortKeys)})
      ->capture_default_str();
  at_least(OptionGroup(command, kOutput).add("--limit", limit, "N", "Tracks at most"), 1)->default_str("all");
}

std::vector<CatalogueTrack> TrackOptions::tracks(const Catalogue& catalogue, std::uint64_t seed) const {
  QueryOrder order = parse_order(sort);
  order.seed = seed;
  order.limit = limit;
  return select_tracks(catalogue, query, order);
}

}  // namespace genrewise::cli
