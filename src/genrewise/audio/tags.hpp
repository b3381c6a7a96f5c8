/// @file
/// Tags of music files (TagLib): genres, artist, album and title.
/// @code{.cpp}
/// const auto tags = genrewise::read_tags("song.mp3");
/// if (tags) use(tags->genres);
/// @endcode
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise {

/// Text is valid UTF-8, trimmed, without control characters.
struct Tags {
  std::vector<std::string> genres;  ///< one per value of the file; ID3v1 numbers ("17", "(17)") as names; lists in one
                                    ///< value ("Rock; Pop") are kept whole
  std::string artist, album_artist, album, title;  ///< several values are joined with "; "
  int track = 0, year = 0;                         ///< 0: unknown
};

/// Reads the tags of a file in any format that TagLib knows, by its content. A file without tags, or in a format
/// without tags, has empty ones. Decodes in a worker process where isolate_decoding() is set. Text that is not in the
/// encoding that it states (UTF-16 without byte order mark, Latin-1 as UTF-8, UTF-8 as Latin-1) is recognised and
/// converted. Faults: "cannot be opened", "cannot be read", "empty file", and those of a worker. Throws as
/// decode_file().
Expected<Tags> read_tags(const std::filesystem::path& location);

/// SHA-256 of the encoded audio of a file, in hexadecimal: the packets of its audio streams without containers, tags
/// and pictures, so that it stays the same when tags are changed or the file is renamed. At most `max_bytes` of packets
/// are read from the start of the stream (the parameters of the streams are part of the hash). Faults as decode_file().
Expected<std::string> audio_hash(const std::filesystem::path& location,
                                 std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max());

/// A tag field that can be written: "genre", "artist", "albumartist", "album", "title", "grouping", "mood", "comment".
std::vector<std::string_view> writable_tag_fields();

/// Values of one field, as the file stores them (genre numbers as names).
Expected<std::vector<std::string>> read_tag_field(const std::filesystem::path& path, std::string_view field);

/// Copies the file `original` to `copy` (a new file, in the same folder as a rule), and sets one field in the copy: as
/// real multiple values of the format; no values remove the field. ID3v2.3 and v2.4 stay what they are (v2.3 has no
/// multiple values: they are joined with "/", as other programs do). The copy is read back: it must hold the
/// values, the same audio_hash(), and all other fields and pictures unchanged; it is then synced to disk. Formats: MP3,
/// FLAC, Ogg Vorbis, Opus, MP4, WMA, APE, WavPack, WAV, AIFF. Faults: "format has no writable tags", "damaged", "audio
/// would change", "other tags would change", "value cannot be stored" (detail), and those of audio_hash(). The copy is
/// removed after a fault. Throws Error if the copy cannot be written (a full disk).
Expected<void> write_tag_copy(const std::filesystem::path& original, const std::filesystem::path& copy,
                              std::string_view field, const std::vector<std::string>& values);

}  // namespace genrewise
