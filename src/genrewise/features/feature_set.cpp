#include "genrewise/features/feature_set.hpp"

#include <fmt/format.h>

#include <functional>

#include "genrewise/base/hash.hpp"
#include "genrewise/features/recipe.hpp"

namespace genrewise {
namespace {

struct Entry {
  const char* name;
  std::function<std::unique_ptr<FeatureSet>()> make;
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {"fma518", make_fma518},
      {"frames", [] { return make_frames(false); }},
      {"frames_by_coefficient", [] { return make_frames(true); }},
      {"mel224", make_mel224},
      {"music", make_music},
      {"raw10k", make_raw10k},
  };
  return all;
}

}  // namespace

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
                              fmt::format("{} samples ({:.2f} s), and it takes {} ({:.2f} s)", clip.samples.size(),
                                          static_cast<double>(clip.samples.size()) / rate, samples_needed,
                                          static_cast<double>(samples_needed) / rate)});
}

std::unique_ptr<FeatureSet> make_feature_set(std::string_view name) {
  for (const Entry& entry : entries()) {
    if (name == entry.name) return entry.make();
  }
  throw Error(fmt::format("there is no feature set \"{}\"", name), "--features",
              fmt::format("choose one of: {}", fmt::join(feature_set_names(), ", ")));
}

std::vector<std::string> feature_set_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) names.emplace_back(entry.name);
  return names;
}

}  // namespace genrewise
