#include "genrewise/base/device.hpp"

#include <algorithm>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

std::string& device_word() {
  static std::string word = "auto";
  return word;
}

bool is_numbered_gpu(const std::string& device) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!device.starts_with(kPrefix)) return false;
  const std::string_view number = std::string_view(device).substr(kPrefix.size());
  return !number.empty() && number.size() <= 3 &&
         std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string requested_device() {
  return device_word();
}

void set_requested_device(const std::string& device) {
  if (device != "auto" && device != "cpu" && device != "cuda" && !is_numbered_gpu(device))
    throw Error("there is no device '" + device + "'", "--device", "give auto, cpu, cuda or cuda:N");
  device_word() = device;
}

}  // namespace genrewise
