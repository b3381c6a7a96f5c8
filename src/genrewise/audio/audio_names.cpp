// Separate from the decoder, so code that only lists files is linked without FFmpeg's 130 shared libraries.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "genrewise/audio/decode.hpp"

namespace genrewise {

bool looks_like_audio(const std::filesystem::path& path) {
  static constexpr auto kEndings = std::to_array<std::string_view>(
      {".mp3", ".mp2", ".mpga", ".flac", ".ogg", ".oga",  ".opus", ".m4a", ".m4b",  ".mp4",
       ".aac", ".wav", ".wave", ".w64",  ".aif", ".aiff", ".aifc", ".wma", ".wv",   ".ape",
       ".mka", ".au",  ".snd",  ".caf",  ".tta", ".mpc",  ".ac3",  ".spx", ".weba", ".webm"});
  std::string ending = path.extension().string();
  for (char& letter : ending) letter = 'A' <= letter && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  return std::ranges::find(kEndings, ending) != kEndings.end();
}

}  // namespace genrewise
