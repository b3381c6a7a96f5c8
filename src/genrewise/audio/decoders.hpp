// The formats that this build decodes.
#pragma once

#include <string>

namespace genrewise {

struct AudioDecoders {
  std::string library;  ///< for all formats but MP3: "FFmpeg" or "libsndfile"
  std::string formats;  ///< "MP3, FLAC, ..."
  std::string missing;  ///< common formats that need the build with FFmpeg; empty: none
};

AudioDecoders audio_decoders();

}  // namespace genrewise
