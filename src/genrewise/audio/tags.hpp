/// @file
/// Tags of music files: genres, artist, album and title; a hash of the audio without them; copies with changed tags.
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

/// Reads the tags of a file, whose format is recognised by its content: ID3v1, ID3v2.2 to 2.4 and APEv2 (MP3, AAC, TTA,
/// WavPack, Musepack, Monkey's Audio, DSF), Vorbis comments (FLAC, Ogg), MP4, ASF (WMA), and ID3v2 and INFO in WAV and
/// AIFF. If a file has several, each field is that of the first that has it: the format's own, ID3v2, INFO, APE, ID3v1.
/// Other formats (Matroska), and files without tags, have empty ones. Text that is not in the encoding that it states
/// (UTF-16 without byte order mark, Latin-1 as UTF-8, UTF-8 as Latin-1) is recognised and converted. A damaged tag is
/// read as far as possible. Texts are at most 4 KiB long, genres at most 64. Reads in a worker process where
/// isolate_decoding() is set. Faults: "cannot be opened", "cannot be read", "empty file", and those of a worker. Throws
/// as decode_file().
Expected<Tags> read_tags(const std::filesystem::path& location);

/// SHA-256 of the encoded audio of a file, in hexadecimal: the packets of its audio stream without container, tags
/// and pictures, so that it stays the same when tags are changed or the file is renamed. Codec, sample rate and
/// channels are part of it. At most `max_bytes` of packets are read, from the start. Faults as decode_file().
Expected<std::string> audio_hash(const std::filesystem::path& location,
                                 std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max());

/// A tag field that can be written: "genre", "artist", "albumartist", "album", "title", "grouping", "mood", "comment".
std::vector<std::string_view> writable_tag_fields();

/// Values of one field, as the file stores them (genre numbers as names).
Expected<std::vector<std::string>> read_tag_field(const std::filesystem::path& path, std::string_view field);

/// Copies the file `original` to `copy` (a new local file) and sets one field in the copy: as several values where the
/// format has them, else joined (with "/" in ID3v2.2 and v2.3, as other programs do; with "; " in comments of ID3v2, in
/// INFO, and in artist, title and comment of ASF). No values remove the field. All other bytes of the tags stay as they
/// are, the version of ID3v2 too. The field is set in each tag that the file has; MP3 and TTA without ID3v2 and APE get
/// ID3v2.4, WAV and AIFF an ID3v2.4 chunk. ID3v1 gets the first of the genres that has a number, else none, and texts
/// in Latin-1.
///
/// The copy is read back: it must hold the values, the same audio_hash() and probe_file(), and all other fields,
/// pictures and chunks unchanged. It appears when it is complete and on disk. Formats: MP3, FLAC, Ogg (Vorbis, Opus,
/// Speex, FLAC), MP4 (not fragmented), WMA, APE, WavPack, Musepack, TTA, WAV (not RF64), AIFF. Faults: "format has no
/// writable tags", "damaged" (its tags or chunks), "audio would change", "other tags would change", "value cannot be
/// stored" (detail; also a text that tags cannot return: empty, with control characters, a number as genre, longer than
/// 4 KiB), and those of audio_hash(). There is no copy after a fault. Throws Error if the copy cannot be written (a
/// full disk), and WriteConflict if it exists.
Expected<void> write_tag_copy(const std::filesystem::path& original, const std::filesystem::path& copy,
                              std::string_view field, const std::vector<std::string>& values);

}  // namespace genrewise
