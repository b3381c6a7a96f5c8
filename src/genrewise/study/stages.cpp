#include "genrewise/study/stages.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "genrewise/base/progress.hpp"

namespace genrewise {
namespace {

std::uint64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

Stages::Stages(std::vector<StageExpectation> expected, Progress& progress) : progress_(progress) {
  for (StageExpectation& one : expected) stages_.push_back({std::move(one)});
  current_ = stages_.size();
}

void Stages::enter(std::string_view name) {
  if (current_ < stages_.size() && stages_[current_].expected.name == name) return;
  leave();
  const auto found = std::ranges::find_if(stages_, [&](const Stage& stage) { return stage.expected.name == name; });
  current_ = static_cast<std::size_t>(found - stages_.begin());
  if (found == stages_.end()) stages_.push_back({{std::string(name)}});
  Stage& stage = stages_[current_];
  stage.entered = true;
  watch_ = {};
  if (auto* display = dynamic_cast<StagedProgress*>(&progress_))
    display->stage(current_ + 1, stages_.size(), std::max(stage.expected.expected_s, 0.0), expected_after(current_));
}

void Stages::leave() {
  if (current_ >= stages_.size()) return;
  stages_[current_].seconds += watch_.seconds();
  stages_[current_].peak_memory_bytes = genrewise::peak_memory_bytes();
  current_ = stages_.size();
}

double Stages::expected_after(std::size_t index) const {
  double left = 0;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (stages_[i].expected.expected_s < 0) return -1;
    if (i > index) left += stages_[i].expected.expected_s;
  }
  return left;
}

nlohmann::json Stages::json() const {
  nlohmann::json all = nlohmann::json::array();
  for (const Stage& stage : stages_) {
    if (!stage.entered) continue;
    all.push_back(
        {{"stage", stage.expected.name}, {"seconds", stage.seconds}, {"peak_memory_bytes", stage.peak_memory_bytes}});
  }
  return all;
}

}  // namespace genrewise
