// For builds without GPL parts: libsndfile reads WAV, AIFF, FLAC, Ogg Vorbis, Opus and further formats of PCM.
#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "genrewise/audio/audio_hasher.hpp"
#include "genrewise/audio/byte_order.hpp"
#include "genrewise/audio/container_end.hpp"
#include "genrewise/audio/decoders.hpp"
#include "genrewise/audio/downmix.hpp"
#include "genrewise/audio/limits.hpp"
#include "genrewise/audio/track_reader.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise::audio {
namespace {

constexpr std::string_view kUsed = "MP3, FLAC, Ogg Vorbis, Opus, WAV, AIFF, AU, CAF and W64";
constexpr std::string_view kMissing =
    "AAC and M4A, WMA, Matroska and WebM, WavPack, Monkey's Audio, Musepack and films";

// Up to this target, decoding from the start costs no more; a later one is decoded this long before it, because codecs
// have state (Opus needs 80 ms).
constexpr std::int64_t kNearSeconds = 5, kPrerollSeconds = 1;
constexpr std::int64_t kBlockFrames = 4096;

struct Name {
  int format;
  const char* name;
};
constexpr Name kContainers[] = {
    {SF_FORMAT_WAV, "wav"},   {SF_FORMAT_WAVEX, "wav"}, {SF_FORMAT_RF64, "wav"},
    {SF_FORMAT_AIFF, "aiff"}, {SF_FORMAT_FLAC, "flac"}, {SF_FORMAT_OGG, "ogg"},
    {SF_FORMAT_AU, "au"},     {SF_FORMAT_CAF, "caf"},   {SF_FORMAT_W64, "w64"},
};
constexpr Name kCodecs[] = {
    {SF_FORMAT_VORBIS, "vorbis"},  {SF_FORMAT_OPUS, "opus"},      {SF_FORMAT_PCM_U8, "pcm_u8"},
    {SF_FORMAT_PCM_S8, "pcm_s8"},  {SF_FORMAT_PCM_16, "pcm_s16"}, {SF_FORMAT_PCM_24, "pcm_s24"},
    {SF_FORMAT_PCM_32, "pcm_s32"}, {SF_FORMAT_FLOAT, "pcm_f32"},  {SF_FORMAT_DOUBLE, "pcm_f64"},
    {SF_FORMAT_ULAW, "pcm_mulaw"}, {SF_FORMAT_ALAW, "pcm_alaw"},  {SF_FORMAT_MS_ADPCM, "adpcm_ms"},
    {SF_FORMAT_ALAC_16, "alac"},   {SF_FORMAT_GSM610, "gsm"},     {SF_FORMAT_IMA_ADPCM, "adpcm_ima"},
};

std::string name_of(std::span<const Name> names, int format) {
  const auto found = std::ranges::find(names, format, &Name::format);
  return found == names.end() ? "other" : found->name;
}

/// Formats that libsndfile does not open, by their first bytes.
struct Signature {
  std::size_t offset;
  std::string_view bytes;
  const char* name;
};
constexpr Signature kOthers[] = {
    {4, "ftyp", "MP4 or M4A"},
    {0, "\x1a\x45\xdf\xa3", "Matroska or WebM"},
    {0, "\x30\x26\xb2\x75", "WMA"},
    {0, "wvpk", "WavPack"},
    {0, "MAC ", "Monkey's Audio"},
    {0, "MPCK", "Musepack"},
    {0, "MP+", "Musepack"},
    {0, "TTA", "TTA"},
    {0, "tBaK", "TAK"},
    {0, "DSD ", "DSD"},
    {0, "FRM8", "DSD"},
    {0, "\x0b\x77", "AC-3"},
    {0, ".RMF", "RealMedia"},
    {0, "FLV", "a film"},
    {8, "AVI ", "a film"},
    {0, std::string_view("\0\0\1\xba", 4), "a film"},
    {0, "\xff\xf1", "AAC"},
    {0, "\xff\xf9", "AAC"},
    {0, "\xff\xfd", "MPEG layer II"},
    {0, "\xff\xfc", "MPEG layer II"},
    {0, "\xff\xf5", "MPEG layer II"},
    {28, "Speex   ", "Speex"},
    {28, "\x80theora", "a film"},
    {0, "\x7f\xfe\x80\x01", "DTS"},
    {0, "ajkg", "Shorten"},
};
/// Formats that it opens. It is not asked for others, because libmpg123, which it tries, prints to standard error.
constexpr std::string_view kOwn[] = {"RIFF", "RF64", "FORM", "fLaC", "OggS", ".snd", "caff", "riff"};

std::optional<Fault> fault_of_other_format(const ByteView& view, const std::string& name) {
  std::array<std::byte, 64> head{};
  view.read_at(0, head);
  const auto other = std::ranges::find_if(
      kOthers, [&](const Signature& one) { return begins_with(head.data() + one.offset, one.bytes); });
  if (other != std::end(kOthers))
    return Fault{"no decoder in this build", name,
                 fmt::format("{}; a build without GPL parts decodes {}; the build with FFmpeg decodes this too",
                             other->name, kUsed)};
  if (std::ranges::none_of(kOwn, [&](std::string_view word) { return begins_with(head.data(), word); }))
    return Fault{"not audio", name, "the content matches no known audio format"};
  return std::nullopt;
}

/// A view as libsndfile's input.
struct Input {
  ByteView view;
  std::int64_t at = 0;

  bool is_at_end() const { return at >= view.size(); }
  static Input& of(void* opaque) { return *static_cast<Input*>(opaque); }
  static sf_count_t size(void* opaque) { return of(opaque).view.size(); }
  static sf_count_t tell(void* opaque) { return of(opaque).at; }
  static sf_count_t seek(sf_count_t offset, int whence, void* opaque) {
    Input& input = of(opaque);
    const std::int64_t base = whence == SEEK_SET ? 0 : (whence == SEEK_CUR ? input.at : input.view.size());
    return base + offset < 0 ? -1 : input.at = base + offset;
  }
  static sf_count_t read(void* out, sf_count_t count, void* opaque) {
    Input& input = of(opaque);
    const std::span bytes(static_cast<std::byte*>(out), static_cast<std::size_t>(count));
    const std::size_t got = input.view.read_at(input.at, bytes);
    input.at += static_cast<std::int64_t>(got);
    return static_cast<sf_count_t>(got);
  }
};

struct FileDeleter {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

class SndfileReader : public TrackReader {
 public:
  explicit SndfileReader(const ByteView& view) : input_{view} {}

  Expected<void> open(const std::string& name) {
    if (auto other = fault_of_other_format(input_.view, name)) return tl::unexpected(std::move(*other));
    SF_VIRTUAL_IO functions{Input::size, Input::seek, Input::read, nullptr, Input::tell};
    file_.reset(sf_open_virtual(&functions, SFM_READ, &info_, &input_));
    throw_if_interrupted();
    if (!file_) {
      const bool is_cut = input_.is_at_end() || stated_size(input_.view).value_or(0) > input_.view.size();
      return tl::unexpected(Fault{is_cut ? "truncated" : "damaged", name, "its header is incomplete or wrong"});
    }
    if ((info_.format & SF_FORMAT_SUBMASK) == SF_FORMAT_OPUS) {  // which FFmpeg always decodes at 48 kHz
      int rate_hz = 48'000;
      sf_command(file_.get(), SFC_SET_ORIGINAL_SAMPLERATE, &rate_hz, sizeof rate_hz);
      sf_command(file_.get(), SFC_GET_CURRENT_SF_INFO, &info_, sizeof info_);
    }
    if (auto bad = implausible(info_.samplerate, info_.channels, false, name)) return tl::unexpected(*bad);
    block_.resize(static_cast<std::size_t>(kBlockFrames * info_.channels));
    return {};
  }

  int sample_rate_hz() const override { return info_.samplerate; }
  int channels() const { return info_.channels; }
  std::string format() const override { return name_of(kContainers, info_.format & SF_FORMAT_TYPEMASK); }
  std::string codec() const {
    const std::string codec = name_of(kCodecs, info_.format & SF_FORMAT_SUBMASK);
    if (format() == "flac") return "flac";
    const bool has_order = codec.starts_with("pcm_s") || codec.starts_with("pcm_f");
    if (!has_order || codec == "pcm_s8") return codec;
    const int order = info_.format & SF_FORMAT_ENDMASK;
    const bool is_big = order == SF_ENDIAN_BIG || (order == SF_ENDIAN_FILE && (format() == "aiff" || format() == "au"));
    return codec + (is_big ? "be" : "le");
  }

  AudioInfo info() override {
    AudioInfo info{
        .format = format(), .codec = codec(), .sample_rate_hz = info_.samplerate, .channels = info_.channels};
    info.duration_s = static_cast<double>(length().value_or(0)) / info_.samplerate;
    if (info.duration_s > 0) info.bit_rate_kbps = static_cast<double>(input_.view.size()) * 8e-3 / info.duration_s;
    return info;
  }

  std::optional<std::int64_t> stated_length() const override {
    const bool is_known = info_.frames > 0 && info_.frames < SF_COUNT_MAX &&
                          static_cast<double>(info_.frames) <= kMaxDurationSeconds * info_.samplerate;
    return is_known ? std::optional<std::int64_t>(info_.frames) : std::nullopt;
  }
  std::optional<std::int64_t> length() override { return stated_length(); }

  std::optional<std::int64_t> expected_length() override {
    const auto length = stated_length();
    if (format() == "ogg") return std::max(length.value_or(0), granule_of_cut_page(input_.view).value_or(0));
    const double size = static_cast<double>(input_.view.size());
    const double stated = static_cast<double>(stated_size(input_.view).value_or(0));
    if (!length || stated <= size) return length;
    return static_cast<std::int64_t>(static_cast<double>(*length) * stated / size);
  }

  bool seek(std::int64_t sample) override {
    const std::int64_t rate = info_.samplerate;
    const std::int64_t start = sample < kNearSeconds * rate ? 0 : sample - kPrerollSeconds * rate;
    if (sf_seek(file_.get(), start, SEEK_SET) != start) return false;
    to_skip_ = sample - start;
    return true;
  }

  ReadResult read(std::vector<float>& mono) override {
    for (;;) {
      const sf_count_t got = sf_readf_float(file_.get(), block_.data(), kBlockFrames);
      if (got <= 0) {
        if (sf_error(file_.get()) == SF_ERR_NO_ERROR || input_.is_at_end()) return ReadResult::end;
        error_ = lower_case(sf_strerror(file_.get()));
        return ReadResult::damaged;
      }
      const std::int64_t skip = std::min<std::int64_t>(to_skip_, got);
      to_skip_ -= skip;
      if (skip == got) continue;
      const std::size_t before = mono.size();
      mono.resize(before + static_cast<std::size_t>(got - skip));
      mean_of_interleaved(block_.data() + skip * info_.channels, info_.channels, 0.0f, 1.0f,
                          std::span(mono).subspan(before));
      return ReadResult::samples;
    }
  }

  std::string error() const override { return error_; }

 private:
  Input input_;
  SF_INFO info_{};
  std::unique_ptr<SNDFILE, FileDeleter> file_;
  std::vector<float> block_;
  std::int64_t to_skip_ = 0;
  std::string error_;
};

}  // namespace

Expected<std::unique_ptr<TrackReader>> open_other(const ByteView& view, const std::string& name) {
  auto reader = std::make_unique<SndfileReader>(view);
  if (auto opened = reader->open(name); !opened) return tl::unexpected(std::move(opened.error()));
  return reader;
}

Expected<bool> add_other(const ByteView& view, const std::string& name, AudioHasher& hasher) {
  SndfileReader reader(view);
  if (auto opened = reader.open(name); !opened) return tl::unexpected(std::move(opened.error()));
  hasher.describe(reader.codec() + " decoded", reader.sample_rate_hz(), reader.channels());
  for (std::vector<float> block; reader.read(block) == ReadResult::samples; block.clear()) {
    throw_if_interrupted();
    if (!hasher.add(std::as_bytes(std::span(block)))) return false;
  }
  return true;
}

}  // namespace genrewise::audio

namespace genrewise {

AudioDecoders audio_decoders() {
  return {.library = "libsndfile", .formats = std::string(audio::kUsed), .missing = std::string(audio::kMissing)};
}

}  // namespace genrewise
