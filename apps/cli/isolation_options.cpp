#include "isolation_options.hpp"

#include <cstdlib>

#include "option_group.hpp"

namespace genrewise::cli {

void IsolationOptions::add_to(CLI::App* command) {
  const OptionGroup data(command, kData);
  CLI::Option* flag = data.flag("--isolate", isolate,
                                "Decode in separate processes, so that a file that makes a decoder crash, hang or "
                                "use too much memory is skipped");
  at_least_seconds(data.add("--max-seconds", limits.max_seconds, "SECONDS", "With --isolate: time to decode one file"),
                   0, false)
      ->capture_default_str()
      ->needs(flag);
  in_range(data.add_function<std::uint64_t>(
               "--max-memory", [this](std::uint64_t mib) { limits.max_memory_bytes = mib << 20; }, "MIB",
               "With --isolate: memory of each process, in MiB"),
           16, 1 << 20)
      ->default_str("1024")
      ->needs(flag);
}

void IsolationOptions::apply() const {
  if (!isolate) return;
  DecodeIsolation isolation = limits;
  // This very program, also where its file has been replaced.
  if (std::getenv("GENREWISE_DECODE_WORKER") == nullptr) isolation.worker = "/proc/self/exe";
  isolate_decoding(isolation);
}

}  // namespace genrewise::cli
