// Audio files: decoding, tags and their changes, and messages of decode workers.
#include <cmath>

#include "genrewise/audio/decode.hpp"
#include "genrewise/audio/decode_workers.hpp"
#include "genrewise/audio/tag_blocks.hpp"
#include "genrewise/audio/tags.hpp"
#include "targets.hpp"

namespace genrewise::fuzz {
namespace {

// Decoded or a fault; no sample that is not finite.
void decode(std::string_view input) {
  const auto bytes = std::as_bytes(std::span(input));
  const DecodeOptions whole, centred{.clip = {.duration_s = 0.5}}, late{.clip = {.start_s = 6.0}};
  for (const auto& options : {whole, centred, late}) {
    const auto wave = decode_bytes(bytes, "fuzz", options);
    if (!wave) continue;
    require(wave->sample_rate_hz > 0 && !wave->samples.empty());
    for (const float sample : wave->samples) require(std::isfinite(sample));
  }
  const auto info = probe_bytes(bytes, "fuzz");
  require(!info || std::isfinite(info->duration_s));
}

void tags(std::string_view input) {
  if (input.empty()) return;
  audio::ByteSource source(std::as_bytes(std::span(input)));
  const audio::FileTags found = audio::find_tags(source);
  for (const audio::TagBlock& block : found.blocks) {
    require(block.begin >= 0 && block.begin <= block.end && block.end <= source.size());
    for (const std::string_view field : writable_tag_fields()) audio::tag_values(block, field);
  }
  audio::tags_here(source).has_value();
  audio::hash_here(source, "fuzz", 1 << 20).has_value();
}

// The first two bytes choose the field and the values; the others are the file.
void tag_changes(std::string_view input) {
  if (input.size() < 3) return;
  const auto fields = writable_tag_fields();
  const std::string_view field = fields[static_cast<unsigned char>(input[0]) % fields.size()];
  const auto folder = scratch_folder();
  const auto original = put_file(folder, "original", input.substr(2)), copy = folder / "copy";
  const std::vector<std::vector<std::string>> choices = {
      {}, {"Rock"}, {"Hip-Hop", "J\xc3\xa4zz"}, {std::string(4000, 'x')}, {"\xf0\x9f\x8e\xb5", "17"}};
  const auto& values = choices[static_cast<unsigned char>(input[1]) % choices.size()];
  const auto written = write_tag_copy(original, copy, field, values);
  require(written.has_value() == std::filesystem::exists(copy));
}

const AddTargets added{{"decode", decode}, {"tags", tags}, {"tag_changes", tag_changes}};

}  // namespace
}  // namespace genrewise::fuzz
