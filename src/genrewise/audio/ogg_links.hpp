// Pages of Ogg, and chained Ogg: several complete streams one after the other in one file. Internal to audio.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/audio/track_reader.hpp"

namespace genrewise::audio {

/// The parts of an Ogg file that are a stream each (RFC 3533, 4: links of the chain), in order; empty if the view is
/// not Ogg, one part for most files. Reads the headers of all pages of a file of up to 16 MiB; in a longer one only if
/// its last page has another serial number than the first, as chained files should have. Throws Interrupted.
std::vector<ByteView> ogg_links(const ByteView& view);

/// Ogg (RFC 3533): the granule position of the last page if that page is incomplete.
std::optional<std::int64_t> granule_of_cut_page(const ByteView& view);

/// Opens the links as one track, with the sample rate of the first. Faults: those of open_ffmpeg() for a link, if more
/// than 5 % of the bytes cannot be opened.
Expected<std::unique_ptr<TrackReader>> open_ogg_chain(const std::vector<ByteView>& links, const std::string& name);

}  // namespace genrewise::audio
