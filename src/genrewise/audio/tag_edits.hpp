// How the bytes of a file change when a field of its tags changes. Internal to audio.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "genrewise/audio/tag_blocks.hpp"

namespace genrewise::audio {

/// Bytes [begin, end) of the file become `bytes`.
struct Edit {
  std::int64_t begin = 0, end = 0;
  std::string bytes;
};

struct EditPlan {
  std::vector<Edit> edits;  ///< by position
  /// Of Ogg pages behind the edits: added to their numbers where their serial number is this.
  std::int64_t pages_added = 0;
  std::uint64_t serial = 0;
};

struct FieldValues {
  std::string_view field;
  std::vector<std::string> values;
};

/// The values as this block stores them: joined where it can hold only one.
std::vector<std::string> stored_values(const TagBlock& block, const FieldValues& to);

/// Sets the field in each block that can store it; adds one (for MP3 and TTA ID3v2.4, unless they have an APE tag)
/// where there is none. Faults, without a name: "format has no writable tags", "damaged", "value cannot be stored".
Expected<EditPlan> plan_edits(ByteSource& source, const FileTags& tags, const FieldValues& to);

/// Sets the number and the checksum of a whole Ogg page.
void renumber_ogg_page(std::string& page, std::uint64_t number);

}  // namespace genrewise::audio
