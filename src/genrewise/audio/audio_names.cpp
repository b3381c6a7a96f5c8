// Separate from the decoder, so code that only lists files is linked without FFmpeg's 130 shared libraries.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "genrewise/audio/decode.hpp"

namespace genrewise {
namespace {

// Formats that the decoder opens. Endings that mostly mean something else (.ts: TypeScript, .mod, .raw, .dat) are left
// out; such files are decoded if they are named.
constexpr auto kExtensions = std::to_array<std::string_view>({
    ".mp3",  ".mp2",  ".mp1",  ".mpga", ".mpa",   ".m2a",  // MPEG audio
    ".aac",  ".adts", ".latm", ".loas", ".m4a",   ".m4b",   ".m4r",  ".mp4",  ".m4v", ".3gp",
    ".3g2",                                                                                    // AAC and MP4
    ".f4a",  ".f4v",  ".isma", ".mov",  ".qt",                                                 //
    ".ogg",  ".oga",  ".ogx",  ".ogv",  ".opus",  ".spx",                                      // Ogg
    ".mka",  ".mkv",  ".weba", ".webm",                                                        // Matroska
    ".wma",  ".wmv",  ".asf",  ".xwma",                                                        // ASF
    ".flac", ".wv",   ".ape",  ".tta",  ".tak",   ".shn",   ".mpc",  ".mp+",  ".mlp",          // lossless, Musepack
    ".thd",  ".dsf",  ".dff",                                                                  // TrueHD, DSD
    ".wav",  ".wave", ".bwf",  ".rf64", ".w64",   ".aif",   ".aiff", ".aifc", ".afc", ".caf",  // PCM
    ".au",   ".snd",  ".voc",  ".sf",   ".sox",   ".ircam", ".nist", ".sph",                   //
    ".ac3",  ".eac3", ".ec3",  ".dts",  ".dtshd",                                              // cinema
    ".ra",   ".rm",   ".rmvb", ".amr",  ".awb",   ".oma",   ".aa3",  ".gsm",  ".vqf", ".adx",
    ".ast",                                                          // voice, old players
    ".avi",  ".flv",  ".mpg",  ".mpeg", ".vob",   ".m2ts",  ".nut",  // films
});

}  // namespace

std::span<const std::string_view> audio_extensions() {
  return kExtensions;
}

bool looks_like_audio(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& letter : ending) letter = 'A' <= letter && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  return std::ranges::find(kExtensions, ending) != kExtensions.end();
}

}  // namespace genrewise
