#include "genrewise/dataset/split.hpp"

#include <algorithm>

#include "genrewise/base/csv.hpp"

namespace genrewise {
namespace {

constexpr std::string_view kGenres[] = {"blues", "classical", "country", "disco",  "hiphop",
                                        "jazz",  "metal",     "pop",     "reggae", "rock"};
// By genre and number of the excerpt: t training, v validation, e test, - left out.
constexpr std::string_view kFaultFiltered[] = {
    "vvvvvvvvvvvveeeeeeeeeeeeeeeeetttttttttttttttttttttvvvvvvvvvvveeeeeeeeeeeetttttttttttttttttttttttttee",
    "vvvvvvvvvvveeeeeeeeeeeeeeeeeeetttteeeeeeee-ttttttettttttttttttttttttvvvvvvvvveeetttttttttttttttttttt",
    "vvvvvvvv-vvvvvvvvvvttttttttvtteeeeeeeeeeevveeveeevee-eeeeeeeeeeeettttttttttttttttttttttttttttttttttt",
    "vevvvtvvvvvvvvvttttttetttttttttttttttt-tttttttvtvt--vtt-ttet-teeeeevvet-vttveeeeeeeeeeeeetveeeevee-e",
    "e-tttttttttttttttttttttttteettetttttttt-etteee-----eeeettttttteeeeeeeeeeeeee-ttttvvvvvvvvvvvvvvvvvve",
    "ttvvvvvvvvvttttttttttttttvvvvvvvv--------t-----tttttttttttttttttttttttttteeeeeeeeeeeeeeeeeeeeeeeeeee",
    "vvtt-tvvvvvveeeevvvvvteeteeeeeeeee-tvvee------tttttttttttt-ttttttttevtetteeevvettvveteteettttttttttt",
    "eettttttttvttee-ttttt--ttttttt-tttttt-tttttet-t--tt--v-v--vvvvveeee--eeeeeeeeeeetvevvvv-eeeeeeeeettt",
    "ttt-t-t--t-tt-ttttttttttttttttttt-eeeeeee-tttteeettteetttttttvvteeeeetvev-v-vvve--eeev-eeee-vvvvvvvv",
    "tttttttttteeeeeettttttttttteeeeeeeeeeeveeeeeeeeeevvvvvvvvttttttttttttttvvvvvvvvvvvvvvveeeeettttttttt",
};

/// The letter of the excerpt; 0 for an id that is not GTZAN's.
char letter_of(std::string_view id) {
  constexpr std::size_t kDigits = 5;
  if (const std::size_t slash = id.rfind('/'); slash != std::string_view::npos) id.remove_prefix(slash + 1);
  const std::size_t dot = id.find('.');
  if (dot == std::string_view::npos) return 0;
  const std::string_view digits = id.substr(dot + 1, kDigits), rest = id.substr(std::min(id.size(), dot + 1 + kDigits));
  long long number = 0;
  if (digits.size() < kDigits || !parse_number(digits, number) || number < 0 || number > 99) return 0;
  if (!rest.empty() && rest.front() != '.') return 0;
  const auto genre = std::ranges::find(kGenres, id.substr(0, dot)) - std::begin(kGenres);
  return genre == std::ssize(kGenres) ? '\0' : kFaultFiltered[genre][static_cast<std::size_t>(number)];
}

}  // namespace

bool is_gtzan(std::span<const std::string> ids) {
  return !ids.empty() && std::ranges::all_of(ids, [](const std::string& id) { return letter_of(id) != 0; });
}

std::optional<Part> fault_filtered_part(std::string_view id) {
  const std::size_t part = std::string_view("tve").find(letter_of(id));
  return part == std::string_view::npos ? std::nullopt : std::optional(static_cast<Part>(part));
}

}  // namespace genrewise
