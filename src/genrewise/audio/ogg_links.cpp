#include "genrewise/audio/track_reader.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "genrewise/audio/byte_order.hpp"
#include "genrewise/audio/limits.hpp"
#include "genrewise/audio/ogg_pages.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise::audio {
namespace {

constexpr std::int64_t kMaxPageBytes = 27 + 255 + 255 * 255;
constexpr std::int64_t kMaxScannedBytes = 16 << 20;
constexpr std::size_t kMostLinks = 4096;  // a song each: a week of radio; each is opened

// The next page from `offset` on: its offset, or the end of the view.
std::int64_t find_page(const ByteView& view, std::int64_t offset) {
  constexpr std::string_view kPattern = "OggS";
  std::array<std::byte, 4096> bytes;
  while (offset < view.size()) {
    throw_if_interrupted();
    const std::span chunk(bytes.data(), view.read_at(offset, bytes));
    const auto pattern = std::as_bytes(std::span(kPattern));
    const auto found = std::ranges::search(chunk, pattern);
    if (!found.empty()) return offset + (found.begin() - chunk.begin());
    if (chunk.size() < bytes.size()) break;
    offset += static_cast<std::int64_t>(chunk.size() - kPattern.size() + 1);
  }
  return view.size();
}

// The offset of the last page; the size of the view if there is none at its end.
std::int64_t last_page(const ByteView& view) {
  std::int64_t last = view.size();
  std::int64_t at = find_page(view, std::max<std::int64_t>(0, view.size() - 2 * kMaxPageBytes));
  for (; at < view.size(); at = find_page(view, at)) {
    const auto page = ogg_page_at(view, at);
    if (page) last = at;
    at = page ? page->end : at + 1;
  }
  return last;
}

// Plays one link after the other; only one is open at a time.
class OggChain : public TrackReader {
 public:
  OggChain(std::vector<ByteView> links, std::string name) : links_(std::move(links)), name_(std::move(name)) {}

  Expected<void> open() {
    std::int64_t used_bytes = 0, lost_bytes = 0;
    std::optional<Fault> fault;
    std::vector<ByteView> usable;
    for (const ByteView& link : links_) {
      throw_if_interrupted();
      auto reader = open_other(link, name_);
      if (!reader) {
        lost_bytes += link.size();
        if (!fault) fault = std::move(reader.error());
        continue;
      }
      used_bytes += link.size();
      if (usable.empty()) {
        rate_hz_ = (*reader)->sample_rate_hz();
        info_ = (*reader)->info();
      }
      const auto at_first_rate = [&](std::int64_t samples) {
        const std::int64_t rate = (*reader)->sample_rate_hz();
        return std::min(samples, static_cast<std::int64_t>(kMaxDurationSeconds + 1) * rate) * rate_hz_ / rate;
      };
      const std::int64_t length = at_first_rate((*reader)->length().value_or(0));
      expected_length_ = length_ + at_first_rate((*reader)->expected_length().value_or(0));
      length_ += length;
      lengths_.push_back(length);
      usable.push_back(link);
    }
    if (fault && is_damaged(lost_bytes, used_bytes, 0)) return tl::unexpected(std::move(*fault));
    links_ = std::move(usable);
    open_link(0);
    return {};
  }

  int sample_rate_hz() const override { return rate_hz_; }
  std::string format() const override { return "ogg"; }

  AudioInfo info() override {
    AudioInfo info = info_;
    info.duration_s = static_cast<double>(length_) / rate_hz_;
    const auto bytes = std::accumulate(links_.begin(), links_.end(), std::int64_t{0},
                                       [](std::int64_t sum, const ByteView& link) { return sum + link.size(); });
    if (info.duration_s > 0) info.bit_rate_kbps = static_cast<double>(bytes) * 8e-3 / info.duration_s;
    return info;
  }

  std::optional<std::int64_t> stated_length() const override { return length_; }
  std::optional<std::int64_t> length() override { return length_; }
  std::optional<std::int64_t> expected_length() override { return expected_length_; }

  bool seek(std::int64_t sample) override {
    std::size_t link = 0;
    while (link + 1 < lengths_.size() && sample >= lengths_[link]) sample -= lengths_[link++];
    damage_.clear();
    lost_ = 0;
    return open_link(link) && reader_->seek(sample);
  }

  ReadResult read(std::vector<float>& mono) override {
    for (;;) {
      if (!reader_) return ReadResult::end;
      if (reader_->sample_rate_hz() != rate_hz_) return ReadResult::rate_change;
      const ReadResult result = reader_->read(mono);
      if (result != ReadResult::end || link_ + 1 == links_.size()) return result;
      if (damage_.empty()) damage_ = reader_->damage();
      lost_ += reader_->lost_samples();
      open_link(link_ + 1);
    }
  }

  std::string damage() const override { return damage_.empty() && reader_ ? reader_->damage() : damage_; }
  std::string error() const override { return reader_ ? reader_->error() : std::string(); }
  std::int64_t lost_samples() const override { return lost_ + (reader_ ? reader_->lost_samples() : 0); }

 private:
  bool open_link(std::size_t link) {
    link_ = link;
    reader_.reset();
    if (link >= links_.size()) return false;
    auto reader = open_other(links_[link], name_);
    if (reader) reader_ = std::move(*reader);
    return reader_ != nullptr;
  }

  std::vector<ByteView> links_;
  std::string name_;
  std::vector<std::int64_t> lengths_;  // of each link
  std::int64_t length_ = 0, expected_length_ = 0, lost_ = 0;
  std::unique_ptr<TrackReader> reader_;
  std::size_t link_ = 0;
  AudioInfo info_;
  int rate_hz_ = 0;
  std::string damage_;
};

}  // namespace

std::optional<OggPage> ogg_page_at(const ByteView& view, std::int64_t offset) {
  constexpr std::int64_t kHeaderBytes = 27;
  std::array<std::byte, kHeaderBytes + 255> bytes{};
  const std::size_t got = view.read_at(offset, bytes);
  if (got < kHeaderBytes || !begins_with(bytes.data(), "OggS")) return std::nullopt;
  OggPage page;
  for (const std::byte size : std::span(bytes).subspan(kHeaderBytes, std::to_integer<std::size_t>(bytes[26])))
    page.segments.push_back(std::to_integer<unsigned char>(size));
  page.data = offset + kHeaderBytes + std::ssize(page.segments);
  page.end = std::accumulate(page.segments.begin(), page.segments.end(), page.data);
  page.serial = little_endian(&bytes[14]);
  page.number = little_endian(&bytes[18]);
  page.granule = static_cast<std::int64_t>(little_endian(&bytes[6], 8));
  page.begins_stream = (bytes[5] & std::byte{2}) != std::byte{0} && page.number == 0;
  return page;
}

std::vector<ByteView> ogg_links(const ByteView& view) {
  const auto first = ogg_page_at(view, 0);
  if (!first) return {};
  if (view.size() > kMaxScannedBytes) {
    const auto last = ogg_page_at(view, last_page(view));
    if (!last || last->serial == first->serial) return {view};
  }
  std::vector<ByteView> links;
  std::int64_t begin = 0;
  bool has_data = false;  // a page behind the first pages of the link's streams
  for (std::int64_t at = 0; at < view.size();) {
    const auto page = ogg_page_at(view, at);
    if (!page) {
      at = find_page(view, at + 1);
      continue;
    }
    if (page->begins_stream && has_data) {
      if (links.size() == kMostLinks) return {view};
      links.push_back(view.part(begin, at - begin));
      begin = at;
    }
    has_data = !page->begins_stream;
    at = page->end;
  }
  links.push_back(view.part(begin, view.size() - begin));
  return links;
}

std::optional<std::int64_t> granule_of_cut_page(const ByteView& view) {
  std::optional<OggPage> last;
  std::int64_t at = find_page(view, std::max<std::int64_t>(0, view.size() - kMaxPageBytes));
  for (; at < view.size(); at = find_page(view, at + 1)) {
    if (const auto page = ogg_page_at(view, at)) last = page;
  }
  if (!last || last->end <= view.size()) return std::nullopt;
  return std::clamp<std::int64_t>(last->granule, 0, std::int64_t{1} << 50);  // -1: no packet ends on the page
}

bool has_ogg_page(const ByteView& view, std::int64_t offset) {
  return find_page(view, offset) < view.size();
}

Expected<std::unique_ptr<TrackReader>> open_ogg_chain(const std::vector<ByteView>& links, const std::string& name) {
  auto chain = std::make_unique<OggChain>(links, name);
  if (auto opened = chain->open(); !opened) return tl::unexpected(std::move(opened.error()));
  return chain;
}

}  // namespace genrewise::audio
