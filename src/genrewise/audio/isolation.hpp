/// @file
/// Decoding in separate processes, so that a file that makes a decoder crash, hang or allocate without end is skipped
/// like any other that cannot be used.
/// @code{.cpp}
/// genrewise::isolate_decoding(genrewise::DecodeIsolation{.max_seconds = 20});
/// const auto wave = genrewise::decode_file("song.mp3");  // Fault "took longer than 20 s"
/// @endcode
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace genrewise {

struct DecodeIsolation {
  double max_seconds = 60;  ///< of one file: wall-clock time, without that of reading it, and processor time
  std::uint64_t max_memory_bytes = std::uint64_t{1} << 30;  ///< of one worker, besides what it has when it starts
  /// The program to start with the argument `decode-worker`, genrewise or one whose main() calls run_decode_worker();
  /// empty: find_own_program("genrewise", "GENREWISE_DECODE_WORKER").
  std::filesystem::path worker = {};
};

/// Makes decode_file(), decode_bytes(), probe_file(), probe_bytes(), read_tags() and audio_hash() of the current
/// Runtime work in worker processes (nothing: in this process again), one for each thread that decodes at the same
/// time. They are started when they are needed, decode many files, and end with the Runtime or this process. Results
/// are equal bit by bit.
///
/// A worker has no open files and no environment variables: this process reads for it. Its reasons of faults, besides
/// those of decode_file(): "decoder crashed (signal 11)", "decoder ended (exit code 3)", "took longer than 60 s",
/// "needed more than 1 GiB", "decoder sent invalid data", "decoder failed". The worker is then replaced; if it had
/// decoded other files before, the file is first tried in a new one.
///
/// Where the kernel has seccomp and Landlock (Linux 5.13 and later, x86-64 and arm64), a worker cannot use the network,
/// write, rename or remove files, read others than those of the system and its libraries, start programs, or signal
/// other processes.
///
/// Throws Error if a limit is not positive or the program is missing. decode_file() and the others throw Error if a
/// worker cannot be started.
void isolate_decoding(std::optional<DecodeIsolation> isolation);

/// argv[1] of a worker.
inline constexpr const char* kDecodeWorkerVerb = "decode-worker";
/// The main() of a worker: decodes for the process that started it until that ends. Returns the exit code.
int run_decode_worker(int argc, char** argv);

}  // namespace genrewise
