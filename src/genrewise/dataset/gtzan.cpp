#include "genrewise/dataset/gtzan.hpp"

#include <algorithm>

#include "genrewise/base/csv.hpp"

namespace genrewise {
namespace {

struct GenreParts {
  std::string_view genre;
  std::string_view parts;  // by number of the excerpt: t training, v validation, e test, - left out
};

constexpr GenreParts kFaultFiltered[] = {
    {"blues",
     "vvvvvvvvvvvveeeeeeeeeeeeeeeeettttttttttttttttttttt"
     "vvvvvvvvvvveeeeeeeeeeeetttttttttttttttttttttttttee"},
    {"classical",
     "vvvvvvvvvvveeeeeeeeeeeeeeeeeeetttteeeeeeee-tttttte"
     "ttttttttttttttttttvvvvvvvvveeetttttttttttttttttttt"},
    {"country",
     "vvvvvvvv-vvvvvvvvvvttttttttvtteeeeeeeeeeevveeveeev"
     "ee-eeeeeeeeeeeettttttttttttttttttttttttttttttttttt"},
    {"disco",
     "vevvvtvvvvvvvvvttttttetttttttttttttttt-tttttttvtvt"
     "--vtt-ttet-teeeeevvet-vttveeeeeeeeeeeeetveeeevee-e"},
    {"hiphop",
     "e-tttttttttttttttttttttttteettetttttttt-etteee----"
     "-eeeettttttteeeeeeeeeeeeee-ttttvvvvvvvvvvvvvvvvvve"},
    {"jazz",
     "ttvvvvvvvvvttttttttttttttvvvvvvvv--------t-----ttt"
     "ttttttttttttttttttttttteeeeeeeeeeeeeeeeeeeeeeeeeee"},
    {"metal",
     "vvtt-tvvvvvveeeevvvvvteeteeeeeeeee-tvvee------tttt"
     "tttttttt-ttttttttevtetteeevvettvveteteettttttttttt"},
    {"pop",
     "eettttttttvttee-ttttt--ttttttt-tttttt-tttttet-t--t"
     "t--v-v--vvvvveeee--eeeeeeeeeeetvevvvv-eeeeeeeeettt"},
    {"reggae",
     "ttt-t-t--t-tt-ttttttttttttttttttt-eeeeeee-tttteeet"
     "tteetttttttvvteeeeetvev-v-vvve--eeev-eeee-vvvvvvvv"},
    {"rock",
     "tttttttttteeeeeettttttttttteeeeeeeeeeeveeeeeeeeeev"
     "vvvvvvvttttttttttttttvvvvvvvvvvvvvvveeeeettttttttt"},
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
  const auto found = std::ranges::find(kFaultFiltered, id.substr(0, dot), &GenreParts::genre);
  return found == std::end(kFaultFiltered) ? '\0' : found->parts[static_cast<std::size_t>(number)];
}

}  // namespace

bool is_gtzan(std::span<const std::string> ids) {
  return !ids.empty() && std::ranges::all_of(ids, [](const std::string& id) { return letter_of(id) != 0; });
}

std::optional<Part> fault_filtered_part(std::string_view id) {
  switch (letter_of(id)) {
    case 't':
      return Part::training;
    case 'v':
      return Part::validation;
    case 'e':
      return Part::test;
    default:
      return std::nullopt;
  }
}

}  // namespace genrewise
