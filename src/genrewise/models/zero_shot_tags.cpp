// Weights of musicnn's tags as evidence for genres. Chosen by hand from the tags' names before any measurement: 1 for a
// tag that is the genre or a kind of it; 0.5 for the umbrella tags "rock" and "pop", which listeners give to most
// songs, for typical instruments, and for related genres; 0.3 for moods and for what is merely common in it. Genres for
// which no tag speaks (Reggae, Latin, Soundtrack, ...) are not in the table.
#include "genrewise/models/zero_shot_tables.hpp"

namespace genrewise {
namespace {

constexpr float kStrong = 0.5f, kWeak = 0.3f;
constexpr std::size_t kMtt = 50;  // the first tag of MagnaTagATune, after those of the Million Song Dataset

constexpr GenreEvidence kTable[] = {
    {"Ambient", 28, "ambient"},
    {"Ambient", kMtt + 10, "ambient"},
    {"Ambient", kMtt + 37, "new age", kStrong},
    {"Ambient", 12, "chillout", kWeak},
    {"Blues", 26, "blues"},
    {"Classical", kMtt + 1, "classical"},
    {"Classical", kMtt + 34, "classic"},
    {"Classical", kMtt + 17, "opera"},
    {"Classical", kMtt + 22, "harpsichord", kStrong},
    {"Classical", kMtt + 12, "violin", kStrong},
    {"Classical", kMtt + 43, "cello", kStrong},
    {"Classical", kMtt + 4, "strings", kStrong},
    {"Classical", kMtt + 49, "choral", kStrong},
    {"Classical", kMtt + 35, "choir", kWeak},
    {"Classical", kMtt + 25, "flute", kWeak},
    {"Classical", kMtt + 42, "harp", kWeak},
    {"Country", 36, "country"},
    {"Country", kMtt + 46, "country"},
    {"Dance", 6, "dance"},
    {"Dance", kMtt + 38, "dance"},
    {"Dance", 48, "House", kStrong},
    {"Dance", kMtt + 3, "techno", kStrong},
    {"Dance", 35, "party", kWeak},
    {"Disco", 6, "dance", kStrong},
    {"Disco", 34, "70s", kStrong},
    {"Disco", 40, "funk", kWeak},
    {"Disco", 35, "party", kWeak},
    {"Easy Listening", 37, "easy listening"},
    {"Easy Listening", 17, "Mellow", kWeak},
    {"Electronic", 4, "electronic"},
    {"Electronic", 18, "electronica"},
    {"Electronic", 41, "electro"},
    {"Electronic", 48, "House"},
    {"Electronic", kMtt + 6, "electronic"},
    {"Electronic", kMtt + 3, "techno"},
    {"Electronic", 6, "dance", kStrong},
    {"Electronic", kMtt + 38, "dance", kStrong},
    {"Electronic", 28, "ambient", kStrong},
    {"Electronic", kMtt + 10, "ambient", kStrong},
    {"Electronic", 12, "chillout", kWeak},
    {"Electronic", kMtt + 14, "synth", kWeak},
    {"Electronic", kMtt + 41, "beats", kWeak},
    {"Experimental", 30, "experimental"},
    {"Experimental", kMtt + 45, "weird", kStrong},
    {"Folk", 20, "folk"},
    {"Folk", 29, "acoustic", kWeak},
    {"Funk", 40, "funk"},
    {"Hip-Hop", 33, "Hip-Hop"},
    {"Hip-Hop", 45, "rnb", kWeak},
    {"House", 48, "House"},
    {"Instrumental", 23, "instrumental"},
    {"Instrumental", kMtt + 21, "no vocals", kStrong},
    {"Instrumental", kMtt + 28, "no vocal", kStrong},
    {"Instrumental", kMtt + 44, "no voice", kStrong},
    {"International", kMtt + 16, "indian"},
    {"International", kMtt + 31, "sitar", kStrong},
    {"Jazz", 9, "jazz"},
    {"Metal", 11, "metal"},
    {"Metal", 42, "heavy metal"},
    {"Metal", kMtt + 47, "metal"},
    {"Metal", 27, "hard rock", kWeak},
    {"Metal", kMtt + 23, "loud", kWeak},
    {"New Age", kMtt + 37, "new age"},
    {"Opera", kMtt + 17, "opera"},
    {"Pop", 46, "indie pop"},
    {"Pop", kMtt + 29, "pop"},
    {"Pop", 1, "pop", kStrong},
    {"Pop", 39, "catchy", kWeak},
    {"Punk", 24, "punk"},
    {"Rock", 8, "alternative rock"},
    {"Rock", 14, "classic rock"},
    {"Rock", 16, "indie rock"},
    {"Rock", 43, "Progressive rock"},
    {"Rock", 27, "hard rock", kStrong},
    {"Rock", 0, "rock", kStrong},
    {"Rock", kMtt + 7, "rock", kStrong},
    {"Rock", 2, "alternative", kStrong},
    {"Rock", 24, "punk", kStrong},
    {"Soul", 15, "soul"},
    {"Soul", 45, "rnb"},
    {"Techno", kMtt + 3, "techno"},
    {"Vocal", kMtt + 35, "choir"},
    {"Vocal", kMtt + 49, "choral"},
};

}  // namespace

std::span<const GenreEvidence> tag_evidence() {
  return kTable;
}

}  // namespace genrewise
