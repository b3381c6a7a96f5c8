// Decoding in this process, and the worker processes of a Runtime that decode for it. Internal to audio.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/audio/decode.hpp"
#include "genrewise/audio/isolation.hpp"
#include "genrewise/audio/tags.hpp"
#include "genrewise/base/message.hpp"

namespace genrewise::audio {

/// As decode_file() and probe_file(), of an open source, whatever isolation is set.
Expected<Waveform> decode_here(ByteSource& source, const std::string& name, const DecodeOptions& options);
Expected<AudioInfo> probe_here(ByteSource& source, const std::string& name);
/// As read_tags() and audio_hash().
Expected<Tags> tags_here(ByteSource& source);
Expected<std::string> hash_here(ByteSource& source, const std::string& name, std::uint64_t max_bytes);

/// Of the messages between a process and its workers, which both refuse other versions.
inline constexpr std::uint8_t kDecodeProtocol = 65;
inline constexpr std::uint32_t kMaxHeaderBytes = 1 << 20;
/// Of a file, in one message.
inline constexpr std::size_t kMaxReadBytes = std::size_t{1} << 20;

class DecodeWorker;

/// Thread-safe.
class DecodeWorkers {
 public:
  DecodeWorkers();
  ~DecodeWorkers();
  void use(std::optional<DecodeIsolation> isolation);
  bool are_used() const { return used_.load(std::memory_order_relaxed); }

  /// As decode_here(), probe_here(), tags_here() and hash_here().
  Expected<Waveform> decode(ByteSource& source, const std::string& name, const DecodeOptions& options);
  Expected<AudioInfo> probe(ByteSource& source, const std::string& name);
  Expected<Tags> tags(ByteSource& source, const std::string& name);
  Expected<std::string> hash(ByteSource& source, const std::string& name, std::uint64_t max_bytes);

 private:
  std::unique_ptr<DecodeWorker> take(bool is_new);
  template <class Result>
  Expected<Result> call(nlohmann::json request, ByteSource& source, const std::string& name, std::uint64_t most_samples,
                        Result (*result_of)(Message& reply));

  std::atomic<bool> used_{false};
  std::mutex mutex_;
  DecodeIsolation isolation_;
  std::vector<std::unique_ptr<DecodeWorker>> idle_;
};

/// For tests: called with each source before it is decoded.
using BeforeDecoding = void (*)(ByteSource& source);
int run_decode_worker(int argc, char** argv, BeforeDecoding before);

}  // namespace genrewise::audio
