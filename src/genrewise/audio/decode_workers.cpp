#include "genrewise/audio/decode_workers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <limits>
#include <type_traits>

#include "genrewise/audio/limits.hpp"
#include "genrewise/base/child_process.hpp"
#include "genrewise/base/floats.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise {
namespace audio {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr double kPollMs = 100;                    // longest delay until Ctrl-C is noticed
constexpr double kStarting_s = 60;                 // loading the program's libraries from a slow disk
constexpr std::chrono::milliseconds kEnding{200};  // between the end of the connection and SIGKILL
constexpr double kLongerThanRequested_s = 1;       // a short track is used whole
constexpr const char* kInvalid = "decoder sent invalid data";

std::string memory_text(std::uint64_t bytes) {
  const std::uint64_t mib = bytes >> 20;
  return mib % 1024 == 0 && mib > 0 ? fmt::format("{} GiB", mib / 1024) : fmt::format("{} MiB", mib);
}

/// Thrown within a call: the worker is of no further use.
struct WorkerFailed {
  std::string reason, detail;
  bool try_again = true;  // in a new worker, because earlier files may have caused it
};

template <class T>
T value_of(const json& header, const char* key) {
  const auto found = header.find(key);
  if (found == header.end() || (std::is_same_v<T, std::string> ? !found->is_string()
                                : std::is_integral_v<T>        ? !found->is_number_integer()
                                                               : !found->is_number()))
    throw WorkerFailed{kInvalid, key};
  return found->get<T>();
}
constexpr auto whole_number = value_of<std::int64_t>;

Waveform waveform_of(Message& reply) {
  const std::int64_t rate_hz = whole_number(reply.header, "sample_rate_hz");
  if (reply.type() != "wave" || rate_hz < 1 || rate_hz > std::numeric_limits<int>::max() || !all_finite(reply.numbers))
    throw WorkerFailed{kInvalid, "impossible samples"};
  return {std::move(reply.numbers), static_cast<int>(rate_hz)};
}

AudioInfo info_of(Message& reply) {
  const json& header = reply.header;
  const std::int64_t rate_hz = whole_number(header, "sample_rate_hz"), channels = whole_number(header, "channels");
  const AudioInfo info{.format = value_of<std::string>(header, "format"),
                       .codec = value_of<std::string>(header, "codec"),
                       .sample_rate_hz = static_cast<int>(rate_hz),
                       .channels = static_cast<int>(channels),
                       .duration_s = value_of<double>(header, "duration_s"),
                       .bit_rate_kbps = value_of<double>(header, "bit_rate_kbps")};
  if (reply.type() != "info" || rate_hz < 0 || rate_hz > kMaxDsdRateHz || channels < 0 || channels > kMaxChannels ||
      !(info.duration_s >= 0 && info.duration_s <= kMaxDurationSeconds) || !std::isfinite(info.bit_rate_kbps))
    throw WorkerFailed{kInvalid, "impossible properties"};
  return info;
}

Tags tags_of(Message& reply) try {
  const json& tags = reply.header;
  return {tags.at("genres"), tags.at("artist"), tags.at("album_artist"), tags.at("album"),
          tags.at("title"),  tags.at("track"),  tags.at("year")};
} catch (const json::exception&) {
  throw WorkerFailed{kInvalid, "impossible tags"};
}

std::string hash_of(Message& reply) {
  return value_of<std::string>(reply.header, "sha256");
}

}  // namespace

/// One worker process. Whatever it sends is checked.
class DecodeWorker {
 public:
  explicit DecodeWorker(const DecodeIsolation& isolation) : isolation_(isolation), left_s_(kStarting_s) {
    const std::string program = isolation.worker.string();
    std::array<int, 2> sockets{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0)
      throw_system_error("cannot be started", program);
    socket_.reset(sockets[0]);
    ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
    {
      const Descriptor childs(sockets[1]);
      process_.emplace(ChildConfig{.command = {program, kDecodeWorkerVerb, std::to_string(isolation.max_memory_bytes)},
                                   .streams = {sockets[1], -1, -1}});
    }
    try {
      if (receive(0).type() == "hello") return;
      throw WorkerFailed{"sent another message than a greeting", {}};
    } catch (const WorkerFailed& failed) {
      throw Error(fmt::format("cannot be used as decode worker: {} {}", failed.reason, failed.detail), program,
                  "name the program genrewise of this installation with GENREWISE_DECODE_WORKER");
    }
  }

  bool is_new() const { return !used_; }

  /// The reply, a message of type "wave", "info", "tags", "hash" or "fault". Throws WorkerFailed. Nothing if the source
  /// cannot be read (check_read()); the worker is then of no further use.
  std::optional<Message> call(const json& request, ByteSource& source, std::uint64_t most_samples) {
    used_ = true;
    left_s_ = isolation_.max_seconds;
    send(request, {});
    for (;;) {
      Message message = receive(most_samples);
      const std::string type = message.type();
      if (type == "read") {
        if (!send_bytes_of(source, message.header)) return std::nullopt;
      } else if (type == "memory") {
        throw WorkerFailed{"needed more than " + memory_text(isolation_.max_memory_bytes), {}};
      } else if (type == "failed") {
        throw WorkerFailed{"decoder failed", value_of<std::string>(message.header, "detail")};
      } else if (type == "wave" || type == "info" || type == "tags" || type == "hash" || type == "fault") {
        return message;
      } else {
        throw WorkerFailed{kInvalid, "a message of an unknown type"};
      }
    }
  }

 private:
  bool send_bytes_of(ByteSource& source, const json& header) {
    const std::int64_t offset = whole_number(header, "offset"), count = whole_number(header, "count");
    if (offset < 0 || offset > source.size() || count < 0 || count > static_cast<std::int64_t>(kMaxReadBytes))
      throw WorkerFailed{kInvalid, "a read outside the file"};
    const auto due = static_cast<std::size_t>(std::min(count, source.size() - offset));
    std::vector<float> numbers((due + sizeof(float) - 1) / sizeof(float));
    if (source.read_at(offset, std::as_writable_bytes(std::span(numbers)).first(due)) < due) return false;
    send({{"type", "bytes"}, {"count", due}}, numbers);
    return true;
  }

  void send(const json& header, std::span<const float> numbers) {
    const std::string head = message_head(header, numbers.size(), kDecodeProtocol);
    const auto wait = [this](short events) { wait_for(events); };
    for (const auto bytes : {std::as_bytes(std::span(head)), std::as_bytes(numbers)})
      if (!send_all(socket_.get(), bytes, wait)) fail();
  }

  Message receive(std::uint64_t most_samples) try {
    return read_message(
        [this](std::span<std::byte> bytes) {
          if (!receive_all(socket_.get(), bytes, [this](short events) { wait_for(events); })) fail();
        },
        {.other = {}, .protocol = kDecodeProtocol, .header_bytes = kMaxHeaderBytes, .numbers = most_samples});
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    throw WorkerFailed{kInvalid, error.problem()};
  }

  void wait_for(short events) {
    throw_if_interrupted();
    const auto start = Clock::now();
    pollfd waiting{socket_.get(), events, 0};
    ::poll(&waiting, 1, static_cast<int>(std::clamp(std::ceil(left_s_ * 1e3), 1.0, kPollMs)));
    left_s_ -= std::chrono::duration<double>(Clock::now() - start).count();
    if (left_s_ <= 0) fail_by_time();
  }

  [[noreturn]] void fail_by_time() const {
    throw WorkerFailed{fmt::format("took longer than {:g} s", used_ ? isolation_.max_seconds : kStarting_s), {}, false};
  }

  /// The connection is closed.
  [[noreturn]] void fail() {
    const ChildEnd end = process_->wait(kEnding);
    throw_if_interrupted();
    if (end.signal == SIGXCPU) fail_by_time();
    if (end.signal != 0)
      throw WorkerFailed{fmt::format("decoder crashed (signal {})", end.signal),
                         end.signal == SIGKILL ? "memory may have run out" : ""};
    throw WorkerFailed{fmt::format("decoder ended (exit code {})", end.exit_code), {}};
  }

  DecodeIsolation isolation_;
  double left_s_;
  bool used_ = false;
  Descriptor socket_;
  std::optional<ChildProcess> process_;  // destroyed first, which kills it
};

DecodeWorkers::DecodeWorkers() = default;
DecodeWorkers::~DecodeWorkers() = default;

void DecodeWorkers::use(std::optional<DecodeIsolation> isolation) {
  const std::lock_guard lock(mutex_);
  idle_.clear();
  used_ = isolation.has_value();
  if (isolation) isolation_ = *std::move(isolation);
}

std::unique_ptr<DecodeWorker> DecodeWorkers::take(bool is_new) {
  DecodeIsolation isolation;
  {
    const std::lock_guard lock(mutex_);
    if (!is_new && !idle_.empty()) {
      auto worker = std::move(idle_.back());
      idle_.pop_back();
      return worker;
    }
    isolation = isolation_;
  }
  return std::make_unique<DecodeWorker>(isolation);
}

template <class Result>
Expected<Result> DecodeWorkers::call(json request, ByteSource& source, const std::string& name,
                                     std::uint64_t most_samples, Result (*result_of)(Message& reply)) {
  request["bytes"] = source.size();
  for (bool is_second = false;; is_second = true) {
    auto worker = take(is_second);
    const bool is_new = worker->is_new();
    try {
      auto reply = worker->call(request, source, most_samples);
      if (!reply) {
        if (auto read = source.check_read(); !read) return tl::unexpected(std::move(read.error()));
        return tl::unexpected(Fault{"cannot be read", name, "it became shorter"});
      }
      const json& header = reply->header;
      Expected<Result> result = tl::unexpected(Fault{});
      if (reply->type() == "fault") {
        result = tl::unexpected(
            Fault{value_of<std::string>(header, "reason"), name, value_of<std::string>(header, "detail")});
      } else {
        result = result_of(*reply);
      }
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(worker));
      return result;
    } catch (const WorkerFailed& failed) {
      if (is_new || !failed.try_again) return tl::unexpected(Fault{failed.reason, name, failed.detail});
    }
  }
}

Expected<Waveform> DecodeWorkers::decode(ByteSource& source, const std::string& name, const DecodeOptions& options) {
  const ClipRequest& clip = options.clip;
  constexpr double kMostSlack_s = 1e12;  // JSON has no infinity
  json request{
      {"type", "decode"}, {"slack_s", std::min(clip.slack_s, kMostSlack_s)}, {"max_seconds", isolation_.max_seconds}};
  if (clip.start_s) request["start_s"] = *clip.start_s;
  if (std::isfinite(clip.duration_s)) request["duration_s"] = clip.duration_s;
  if (options.sample_rate_hz) request["sample_rate_hz"] = *options.sample_rate_hz;
  const double most =
      (clip.duration_s + clip.slack_s + kLongerThanRequested_s) * options.sample_rate_hz.value_or(kMaxDsdRateHz);
  const std::uint64_t fitting = isolation_.max_memory_bytes / sizeof(float);
  return call<Waveform>(std::move(request), source, name,
                        most < static_cast<double>(fitting) ? static_cast<std::uint64_t>(most) : fitting, waveform_of);
}

Expected<AudioInfo> DecodeWorkers::probe(ByteSource& source, const std::string& name) {
  return call<AudioInfo>({{"type", "probe"}, {"max_seconds", isolation_.max_seconds}}, source, name, 0, info_of);
}

Expected<Tags> DecodeWorkers::tags(ByteSource& source, const std::string& name) {
  return call<Tags>({{"type", "tags"}, {"max_seconds", isolation_.max_seconds}}, source, name, 0, tags_of);
}

Expected<std::string> DecodeWorkers::hash(ByteSource& source, const std::string& name, std::uint64_t max_bytes) {
  return call<std::string>({{"type", "hash"}, {"max_seconds", isolation_.max_seconds}, {"max_bytes", max_bytes}},
                           source, name, 0, hash_of);
}

}  // namespace audio

void isolate_decoding(std::optional<DecodeIsolation> isolation) {
  if (isolation) {
    if (!(isolation->max_seconds > 0) || isolation->max_memory_bytes == 0)
      throw Error("the limits of a decode worker must be positive", "isolate_decoding", "give larger limits");
    if (isolation->worker.empty()) isolation->worker = find_own_program("genrewise", "GENREWISE_DECODE_WORKER");
    if (isolation->worker.empty() || !is_executable(isolation->worker))
      throw Error(
          "decoding in separate processes needs the program genrewise, which is neither beside this program nor in "
          "PATH",
          isolation->worker.string(), "install it, or name it with GENREWISE_DECODE_WORKER");
  }
  Runtime::current().service<audio::DecodeWorkers>().use(std::move(isolation));
}

}  // namespace genrewise
