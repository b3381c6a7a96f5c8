// Replaces libFuzzer for compilers without it: runs the target on seed files and on mutations of them. Supports
// libFuzzer's -runs=N (number of mutated inputs; -1: unlimited), -seed=N and -max_total_time=SECONDS; other arguments
// are seeds, files or folders. The current input is in ./crash-input until it has passed.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/random.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace {

void run_input(const std::string& bytes) {
  std::ofstream("crash-input", std::ios::binary) << bytes;
  LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::size_t below(genrewise::Rng& rng, std::size_t bound) {
  return static_cast<std::size_t>(rng.below(std::max<std::size_t>(1, bound)));
}

void mutate_once(std::string& bytes, const std::vector<std::string>& seeds, genrewise::Rng& rng) {
  // Headers matter most, so half of all mutations are in the first kilobyte.
  const std::size_t at = below(rng, rng.below(2) == 0 ? std::min<std::size_t>(bytes.size(), 1024) : bytes.size());
  const std::size_t length = below(rng, std::min<std::size_t>(bytes.size() - at, 600)) + 1;
  const auto random_byte = [&] { return static_cast<char>(rng.below(256)); };
  switch (rng.below(7)) {
    case 0:
      bytes[at] = random_byte();
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << rng.below(8));
      break;
    case 2:
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, rng.below(2) == 0 ? '\0' : '\xff');
      break;
    case 3:
      std::generate_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, random_byte);
      break;
    case 4:
      bytes.erase(at, length);
      break;
    case 5:
      bytes.insert(at, bytes.substr(below(rng, bytes.size()), length));
      break;
    default: {
      const std::string& other = seeds[below(rng, seeds.size())];
      bytes.insert(at, other.substr(below(rng, other.size()), length));
    }
  }
}

struct Options {
  long long runs = -1, seed = 42, max_total_time = 0;
  std::vector<std::filesystem::path> files;
};

void add_seeds(const std::filesystem::path& path, std::vector<std::filesystem::path>& files) {
  if (!std::filesystem::is_directory(path)) {
    files.push_back(path);
    return;
  }
  for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
  std::ranges::sort(files);
}

Options parse(std::span<char*> arguments) {
  Options options;
  for (const std::string_view argument : arguments) {
    const auto is_number = [&](std::string_view name, long long& value) {
      if (!argument.starts_with(name)) return false;
      std::from_chars(argument.data() + name.size(), argument.data() + argument.size(), value);
      return true;
    };
    if (!is_number("-runs=", options.runs) && !is_number("-seed=", options.seed) &&
        !is_number("-max_total_time=", options.max_total_time)) {
      add_seeds(argument, options.files);
    }
  }
  return options;
}

}  // namespace

int main(int count, char** arguments) {
  using Clock = std::chrono::steady_clock;
  const Options options = parse(std::span(arguments, static_cast<std::size_t>(count)).subspan(1));
  std::vector<std::string> seeds;
  for (const auto& path : options.files) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    run_input(seeds.back());
  }
  std::erase(seeds, std::string());
  genrewise::Rng rng(static_cast<std::uint64_t>(options.seed));
  const auto end = Clock::now() + std::chrono::seconds(options.max_total_time);
  for (long long run = 0; !seeds.empty() && run != options.runs; ++run) {
    if (options.max_total_time > 0 && Clock::now() > end) break;
    std::string bytes = seeds[below(rng, seeds.size())];
    for (auto changes = 1 + rng.below(8); changes > 0 && !bytes.empty(); --changes) mutate_once(bytes, seeds, rng);
    run_input(bytes);
  }
  std::filesystem::remove("crash-input");
  return 0;
}
