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

/// What confines decode workers (isolation.hpp) on this machine, found by a thread that tries what they must not do:
/// "seccomp and Landlock (version 3)", one of them, or empty.
std::string decode_sandbox();

}  // namespace genrewise
