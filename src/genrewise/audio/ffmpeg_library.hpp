// FFmpeg's functions, loaded when the first track is opened that FFmpeg decodes: its 130 libraries take longer to load
// than most commands to run. Internal to audio.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/samplefmt.h>
}

#include "genrewise/audio/loaded_libraries.hpp"
#include "genrewise/base/shared_library.hpp"

namespace genrewise::audio {

inline constexpr SharedLibrary kAvFormat{GENREWISE_LIBAVFORMAT, "FFmpeg"};
inline constexpr SharedLibrary kAvCodec{GENREWISE_LIBAVCODEC, "FFmpeg"};
inline constexpr SharedLibrary kAvUtil{GENREWISE_LIBAVUTIL, "FFmpeg"};

GENREWISE_LOADED_FUNCTION(kAvFormat, av_find_best_stream);
GENREWISE_LOADED_FUNCTION(kAvFormat, av_probe_input_buffer2);
GENREWISE_LOADED_FUNCTION(kAvFormat, av_read_frame);
GENREWISE_LOADED_FUNCTION(kAvFormat, av_seek_frame);
GENREWISE_LOADED_FUNCTION(kAvFormat, avformat_alloc_context);
GENREWISE_LOADED_FUNCTION(kAvFormat, avformat_close_input);
GENREWISE_LOADED_FUNCTION(kAvFormat, avformat_find_stream_info);
GENREWISE_LOADED_FUNCTION(kAvFormat, avformat_open_input);
GENREWISE_LOADED_FUNCTION(kAvFormat, avio_alloc_context);
GENREWISE_LOADED_FUNCTION(kAvFormat, avio_context_free);
GENREWISE_LOADED_FUNCTION(kAvFormat, avio_seek);

GENREWISE_LOADED_FUNCTION(kAvCodec, av_get_exact_bits_per_sample);
GENREWISE_LOADED_FUNCTION(kAvCodec, av_packet_alloc);
GENREWISE_LOADED_FUNCTION(kAvCodec, av_packet_free);
GENREWISE_LOADED_FUNCTION(kAvCodec, av_packet_unref);
GENREWISE_LOADED_FUNCTION(kAvCodec, avcodec_alloc_context3);
GENREWISE_LOADED_FUNCTION(kAvCodec, avcodec_flush_buffers);
GENREWISE_LOADED_FUNCTION(kAvCodec, avcodec_free_context);
GENREWISE_LOADED_FUNCTION(kAvCodec, avcodec_get_name);
GENREWISE_LOADED_FUNCTION(kAvCodec, avcodec_open2);
GENREWISE_LOADED_FUNCTION(kAvCodec, avcodec_parameters_to_context);
GENREWISE_LOADED_FUNCTION(kAvCodec, avcodec_receive_frame);
GENREWISE_LOADED_FUNCTION(kAvCodec, avcodec_send_packet);

GENREWISE_LOADED_FUNCTION(kAvUtil, av_frame_alloc);
GENREWISE_LOADED_FUNCTION(kAvUtil, av_frame_free);
GENREWISE_LOADED_FUNCTION(kAvUtil, av_freep);
GENREWISE_LOADED_FUNCTION(kAvUtil, av_get_packed_sample_fmt);
GENREWISE_LOADED_FUNCTION(kAvUtil, av_log_set_level);
GENREWISE_LOADED_FUNCTION(kAvUtil, av_malloc);
GENREWISE_LOADED_FUNCTION(kAvUtil, av_max_alloc);
GENREWISE_LOADED_FUNCTION(kAvUtil, av_sample_fmt_is_planar);
GENREWISE_LOADED_FUNCTION(kAvUtil, av_strdup);
GENREWISE_LOADED_FUNCTION(kAvUtil, av_strerror);

}  // namespace genrewise::audio
