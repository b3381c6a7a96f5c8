// Replaces libFuzzer for compilers without it: runs the target on seed files and on changes of them. Supports
// libFuzzer's -runs=N (number of changed inputs; -1: unlimited), -seed=N and -max_total_time=SECONDS; other arguments
// are seeds, files or folders; the number of inputs is printed as libFuzzer does. The current input is in
// ./crash-TARGET until it has passed.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "genrewise/base/random.hpp"
#include "targets.hpp"

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments);
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);
extern "C" std::size_t LLVMFuzzerCustomMutator(unsigned char* data, std::size_t size, std::size_t max_size,
                                               unsigned seed);

namespace {

struct Options {
  long long runs = -1, seed = 42, max_total_time = 0;
  std::vector<std::filesystem::path> files;
};

genrewise::Rng& rng() {
  static genrewise::Rng one(42);
  return one;
}

std::size_t below(std::size_t bound) {
  return static_cast<std::size_t>(rng().below(std::max<std::size_t>(1, bound)));
}

void run_input(const std::string& bytes) {
  static const std::string current = std::string("crash-") + genrewise::fuzz::current_target().name;
  std::ofstream(current, std::ios::binary) << bytes;
  LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  std::filesystem::remove(current);
}

void mutate_once(std::string& bytes) {
  // Headers matter most, so half of all changes are in the first kilobyte.
  const std::size_t at = below(below(2) == 0 ? std::min<std::size_t>(bytes.size(), 1024) : bytes.size());
  const std::size_t length = below(std::min<std::size_t>(bytes.size() - at, 600)) + 1;
  const auto random_byte = [&] { return static_cast<char>(below(256)); };
  switch (below(6)) {
    case 0:
      bytes[at] = random_byte();
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8));
      break;
    case 2:
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::min(length, bytes.size() - at),
                  below(2) == 0 ? '\0' : '\xff');
      break;
    case 3:
      std::generate_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::min(length, bytes.size() - at),
                      random_byte);
      break;
    case 4:
      bytes.erase(at, length);
      break;
    default:
      bytes.insert(at, bytes.substr(below(bytes.size()), length));
  }
}

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
    if (argument.starts_with("-print_final_stats")) continue;
    if (!is_number("-runs=", options.runs) && !is_number("-seed=", options.seed) &&
        !is_number("-max_total_time=", options.max_total_time)) {
      add_seeds(argument, options.files);
    }
  }
  return options;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(unsigned char* data, std::size_t size, std::size_t max_size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  for (auto changes = 1 + below(4); changes > 0; --changes) bytes.empty() ? bytes.push_back('x') : mutate_once(bytes);
  const std::size_t kept = std::min(bytes.size(), max_size);
  std::memcpy(data, bytes.data(), kept);
  return kept;
}

int main(int count, char** arguments) {
  using Clock = std::chrono::steady_clock;
  LLVMFuzzerInitialize(&count, &arguments);
  const Options options = parse(std::span(arguments, static_cast<std::size_t>(count)).subspan(1));
  std::vector<std::string> seeds;
  long long executed = 0;
  for (const auto& path : options.files) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    run_input(seeds.back());
    ++executed;
  }
  std::erase(seeds, std::string());
  rng() = genrewise::Rng(static_cast<std::uint64_t>(options.seed));
  const auto end = Clock::now() + std::chrono::seconds(options.max_total_time);
  for (long long run = 0; !seeds.empty() && run != options.runs; ++run) {
    if (options.max_total_time > 0 && Clock::now() > end) break;
    std::string bytes = seeds[below(seeds.size())];
    const std::size_t size = bytes.size();
    bytes.resize(2 * size + 1024);
    bytes.resize(LLVMFuzzerCustomMutator(reinterpret_cast<unsigned char*>(bytes.data()), size, bytes.size(),
                                         static_cast<unsigned>(below(1U << 31))));
    run_input(bytes);
    ++executed;
  }
  std::fprintf(stderr, "stat::number_of_executed_units: %lld\n", executed);
  return 0;
}
