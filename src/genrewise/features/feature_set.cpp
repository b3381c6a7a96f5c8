#include "genrewise/features/feature_set.hpp"

#include <fmt/format.h>

#include "genrewise/base/hash.hpp"
#include "genrewise/features/feature_list.hpp"

namespace genrewise {

FeatureRecipe make_recipe(std::string name, int version, const std::string& parameters) {
  std::string hash = sha256_hex(fmt::format("{} {}\n{}", name, version, parameters));
  return {std::move(name), version, std::move(hash)};
}

std::string zero_padded(std::size_t value, int width) {
  return fmt::format("{:0{}}", value, width);
}

tl::unexpected<Fault> too_short(const Waveform& clip, std::size_t samples_needed) {
  const double rate = clip.sample_rate_hz;
  return tl::unexpected(Fault{"too short",
                              {},
                              fmt::format("{} samples ({:.2f} s), but at least {} are needed ({:.2f} s)",
                                          clip.samples.size(), static_cast<double>(clip.samples.size()) / rate,
                                          samples_needed, static_cast<double>(samples_needed) / rate)});
}

std::vector<FeatureSetDescriptor> listed_feature_sets() {
#define GENREWISE_CALL(name) name(),
  return {GENREWISE_FEATURE_SETS(GENREWISE_CALL)};
#undef GENREWISE_CALL
}

}  // namespace genrewise
