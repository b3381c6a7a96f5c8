// The worker's side of isolated decoding.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <thread>

#include "genrewise/audio/decode_workers.hpp"
#include "genrewise/audio/sandbox.hpp"
#include "genrewise/base/child_process.hpp"

namespace genrewise {
namespace audio {
namespace {

using nlohmann::json;

constexpr int kSocket = STDIN_FILENO;

/// The other process has ended, or needs this one no longer.
[[noreturn]] void end_process() {
  ::_exit(0);
}

void never_wait(short) {}  // the socket blocks

void send(const json& header, std::span<const float> numbers = {}) {
  const std::string head = message_head(header, numbers.size(), kDecodeProtocol);
  for (const auto bytes : {std::as_bytes(std::span(head)), std::as_bytes(numbers)})
    if (!send_all(kSocket, bytes, never_wait)) end_process();
}

Message receive() {
  const auto read = [](std::span<std::byte> bytes) {
    if (!receive_all(kSocket, bytes, never_wait)) end_process();
  };
  return read_message(read, {.protocol = kDecodeProtocol});
}

/// A file that the other process reads.
class RemoteFile final : public FileReader {
 public:
  explicit RemoteFile(std::uint64_t bytes) { info_.bytes = bytes; }
  const FileInfo& info() const override { return info_; }
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    std::size_t done = 0;
    while (done < into.size() && offset + done < info_.bytes) {
      send({{"type", "read"}, {"offset", offset + done}, {"count", std::min(into.size() - done, kMaxReadBytes)}});
      const Message reply = receive();
      const std::size_t count = reply.header.at("count");
      const auto bytes = std::as_bytes(std::span(reply.numbers)).first(count);
      std::ranges::copy(bytes, into.begin() + static_cast<std::ptrdiff_t>(done));
      done += count;
    }
    return done;
  }

 private:
  FileInfo info_;
};

DecodeOptions options_of(const json& request) {
  DecodeOptions options;
  options.clip.slack_s = request.at("slack_s");
  if (request.contains("start_s")) options.clip.start_s = request.at("start_s").get<double>();
  if (request.contains("duration_s")) options.clip.duration_s = request.at("duration_s");
  if (request.contains("sample_rate_hz")) options.sample_rate_hz = request.at("sample_rate_hz").get<int>();
  return options;
}

void send_fault(const Fault& fault) {
  constexpr std::size_t kMaxText = 2000;
  send({{"type", "fault"}, {"reason", fault.reason}, {"detail", fault.detail.substr(0, kMaxText)}});
}

void handle(const json& request, BeforeDecoding before) {
  limit_processor_time(request.at("max_seconds"));
  ByteSource source(std::make_unique<RemoteFile>(request.at("bytes").get<std::uint64_t>()));
  if (before != nullptr) before(source);
  if (request.at("type") == "decode") {
    const auto wave = decode_here(source, {}, options_of(request));
    if (!wave) return send_fault(wave.error());
    return send({{"type", "wave"}, {"sample_rate_hz", wave->sample_rate_hz}}, wave->samples);
  }
  if (request.at("type") == "tags") {
    const auto tags = tags_here(source);
    if (!tags) return send_fault(tags.error());
    return send({{"type", "tags"},
                 {"genres", tags->genres},
                 {"artist", tags->artist},
                 {"album_artist", tags->album_artist},
                 {"album", tags->album},
                 {"title", tags->title},
                 {"track", tags->track},
                 {"year", tags->year}});
  }
  if (request.at("type") == "hash") {
    const auto hash = hash_here(source, {}, request.at("max_bytes"));
    if (!hash) return send_fault(hash.error());
    return send({{"type", "hash"}, {"sha256", *hash}});
  }
  const auto info = probe_here(source, {});
  if (!info) return send_fault(info.error());
  send({{"type", "info"},
        {"format", info->format},
        {"codec", info->codec},
        {"sample_rate_hz", info->sample_rate_hz},
        {"channels", info->channels},
        {"duration_s", info->duration_s},
        {"bit_rate_kbps", info->bit_rate_kbps}});
}

[[noreturn]] void serve(BeforeDecoding before) {
  send({{"type", "hello"}});
  for (;;) {
    const Message request = receive();
    try {
      handle(request.header, before);
    } catch (const std::bad_alloc&) {
      send({{"type", "memory"}});
    } catch (const std::exception& problem) {
      send({{"type", "failed"}, {"detail", problem.what()}});
    }
  }
}

/// Ends this process with the one that holds the other end of the connection, whatever is being decoded.
void end_with_parent() {
  std::thread([] {
    for (pollfd other{kSocket, POLLRDHUP, 0};;)
      if (::poll(&other, 1, -1) > 0) end_process();
  }).detach();
}

/// The parent's variables may hold credentials, and decoders need none.
void forget_environment() {
  for (char** variable = environ; *variable != nullptr; ++variable)
    std::fill_n(*variable, std::strlen(*variable), '\0');
  ::clearenv();
}

bool is_socket(int descriptor) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

}  // namespace

int run_decode_worker(int argc, char** argv, BeforeDecoding before) {
  std::uint64_t memory_bytes = 0;
  const std::string_view given = argc == 3 ? argv[2] : "";
  if (std::from_chars(given.data(), given.data() + given.size(), memory_bytes).ec != std::errc() ||
      !is_socket(kSocket)) {
    std::fputs("genrewise decode-worker: decodes for the genrewise that starts it\n", stderr);
    return 2;
  }
  for (const int stop : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(stop, SIG_IGN);  // they concern the other process
  limit_memory(memory_bytes);
  enter_sandbox();  // before the first thread
  forget_environment();
  end_with_parent();
  serve(before);
}

}  // namespace audio

int run_decode_worker(int argc, char** argv) {
  return audio::run_decode_worker(argc, argv, nullptr);
}

}  // namespace genrewise
