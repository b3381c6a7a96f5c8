#include "genrewise/packs/pack_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "genrewise/base/half.hpp"
#include "genrewise/records/crc32c.hpp"
#include "genrewise/records/framing.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/packs/pack_values.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;

void decode_halves(const char* bytes, std::size_t count, float* out) {
  std::size_t i = 0;
#if HWY_ARCH_ARM_A64 || HWY_TARGET <= HWY_AVX2  // by an instruction; Highway's emulation has no infinity
  const Floats d;
  const hn::Rebind<hwy::float16_t, Floats> halves;
  hwy::float16_t some[hn::MaxLanes(Floats())];
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    std::memcpy(some, bytes + 2 * i, sizeof some);
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(halves, some)), d, out + i);
  }
#endif
  for (; i < count; ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes + 2 * i, sizeof half);
    out[i] = from_half(half);
  }
}

void decode_bytes(const char* bytes, std::size_t count, float lowest, float step, float* out) {
  const Floats d;
  const hn::Rebind<std::uint8_t, Floats> small;
  const auto* const from = reinterpret_cast<const std::uint8_t*>(bytes);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto levels = hn::ConvertTo(d, hn::PromoteTo(hn::RebindToSigned<Floats>(), hn::LoadU(small, from + i)));
    hn::StoreU(hn::MulAdd(hn::Set(d, step), levels, hn::Set(d, lowest)), d, out + i);
  }
  for (; i < count; ++i) out[i] = lowest + step * static_cast<float>(from[i]);
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(decode_halves);
HWY_EXPORT(decode_bytes);

namespace {

constexpr float kLargestHalf = 65504;

tl::unexpected<Fault> refuse(const char* reason, std::string detail) {
  return tl::unexpected(Fault{reason, {}, std::move(detail)});
}

/// `range`: of uint8.
Expected<void> decode_step(const FeatureView& step, StoredAs stored, std::span<const float, 2> range,
                           std::span<float> values, const std::string& key) {
  const FeatureKind kind = stored == StoredAs::float32 ? FeatureKind::floats : FeatureKind::bytes;
  std::string_view bytes;
  if (step.kind() != kind || (kind == FeatureKind::bytes && step.copy(std::span(&bytes, 1)) != 1))
    return refuse("no song", fmt::format("the key `{}` contains {}", key, to_string(step.kind())));
  const std::size_t size = stored == StoredAs::float32   ? step.size()
                           : stored == StoredAs::float16 ? bytes.size() / 2
                                                         : bytes.size();
  if (size != values.size() || (stored == StoredAs::float16 && bytes.size() % 2 != 0))
    return refuse("wrong size", fmt::format("`{}` has {} numbers, not {}", key, size, values.size()));
  if (stored == StoredAs::float32) {
    step.copy(values);
  } else if (stored == StoredAs::float16) {
    HWY_DYNAMIC_DISPATCH(decode_halves)(bytes.data(), values.size(), values.data());
  } else {
    HWY_DYNAMIC_DISPATCH(decode_bytes)(bytes.data(), values.size(), range[0], range[1], values.data());
  }
  return {};
}

}  // namespace

Expected<void> SongEncoder::add(ExampleWriter& example, std::span<const float> values) {
  if (stored_ == StoredAs::float32) {
    example.add(form_.features, values, form_.steps);
    return {};
  }
  if (stored_ == StoredAs::float16) {
    halves_.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!(std::fabs(values[i]) <= kLargestHalf)) {
        return refuse("does not fit", std::to_string(values[i]) + " exceeds the float16 range of 65504");
      }
      halves_[i] = to_half(values[i]);
    }
    example.add(form_.features, as_text(std::as_bytes(std::span<const std::uint16_t>(halves_))), form_.steps);
    return {};
  }
  const auto [lowest, highest] = values.empty() ? std::pair(0.0F, 0.0F) : [&] {
    const auto ends = std::ranges::minmax(values);
    return std::pair(ends.min, ends.max);
  }();
  const float step = highest / 255 - lowest / 255;
  bytes_.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    bytes_[i] = step > 0 ? static_cast<std::uint8_t>(std::lround(std::min((values[i] - lowest) / step, 255.0F))) : 0;
  const float range[] = {lowest, step};
  example.add(form_.features, as_text(std::as_bytes(std::span<const std::uint8_t>(bytes_))), form_.steps);
  example.add(form_.range(), std::span<const float>(range));
  return {};
}

Expected<void> decode_song(const ExampleView& example, StoredAs stored, std::span<float> values,
                           const RecordForm& form) {
  const auto steps = example.find_steps(form.features);
  if (!steps) return refuse("no song", "there is no key `" + form.features + "`");
  const std::size_t expected = std::max<std::size_t>(1, form.steps), length = values.size() / expected;
  if (steps->size() != expected)
    return refuse("wrong size", fmt::format("`{}` has {} steps, not {}", form.features, steps->size(), expected));
  float range[2] = {};
  const FeatureView* ends = stored == StoredAs::uint8 ? example.find(form.range()) : nullptr;
  if (stored == StoredAs::uint8 && (ends == nullptr || ends->copy(std::span(range)) != 2))
    return refuse("no song", form.range() + " is missing");
  for (std::size_t i = 0; i < expected; ++i) {
    auto decoded = decode_step((*steps)[i], stored, range, values.subspan(i * length, length), form.features);
    if (!decoded) return decoded;
  }
  return {};
}

Expected<void> decode_song(const ExampleView& example, const Record& record, StoredAs stored, std::span<float> values,
                           const RecordForm& form) {
  const FeatureView* song = stored == StoredAs::float32 ? example.find(form.features) : nullptr;
  const auto floats = song == nullptr ? std::span<const std::byte>() : song->floats_in_one_piece();
  const bool in_one_go = !floats.empty() && floats.size() == values.size_bytes();
  std::uint32_t sum = 0;
  if (in_one_go) {
    const auto before = static_cast<std::size_t>(floats.data() - record.payload.data());
    sum = crc32c(record.payload.first(before));
    sum = copy_crc32c(floats, reinterpret_cast<std::byte*>(values.data()), sum);
    sum = crc32c(record.payload.subspan(before + floats.size()), sum);
  } else {
    sum = crc32c(record.payload);
  }
  if (!is_sum_of(sum, record.trailer)) return refuse("damaged data", "its checksum is wrong");
  return in_one_go ? Expected<void>() : decode_song(example, stored, values, form);
}

RecordIdentity identity_of(const ExampleView& example, const RecordForm& form) {
  RecordIdentity found;
  if (const FeatureView* id = example.find(form.id)) id->copy(std::span(&found.id, 1));
  if (const FeatureView* label = example.find(form.label)) label->copy(std::span(&found.label, 1));
  return found;
}

void LossMeter::add(std::span<const float> values, std::span<const float> decoded) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = std::fabs(static_cast<double>(values[i]) - decoded[i]);
    largest_ = std::max(largest_, error);
    squares_ += error * error;
  }
  count_ += values.size();
}

void LossMeter::add(const PackLoss& loss, std::uint64_t count) {
  largest_ = std::max(largest_, loss.largest_error);
  squares_ += loss.rms_error * loss.rms_error * static_cast<double>(count);
  count_ += count;
}

PackLoss LossMeter::loss() const {
  return {largest_, count_ == 0 ? 0 : std::sqrt(squares_ / static_cast<double>(count_))};
}

}  // namespace genrewise
#endif
