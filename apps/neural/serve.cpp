#include "serve.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/models/batch_source.hpp"
#include "genrewise/models/networks/messages.hpp"
#include "genrewise/models/neural/training/network_classifier.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

/// The connection is closed: nothing that this process computes has a recipient.
[[noreturn]] void end_process() {
  ::_exit(0);
}

void never_wait(short) {}  // the socket blocks

/// Sends messages. Thread-safe.
class Outbox {
 public:
  explicit Outbox(int socket) : socket_(socket) {}
  void send(const json& header, std::span<const float> numbers = {}) {
    const std::string head = message_head(header, numbers.size(), kNeuralProtocol);
    const std::lock_guard lock(mutex_);
    for (const auto bytes : {std::as_bytes(std::span(head)), std::as_bytes(numbers)})
      if (!send_all(socket_, bytes, never_wait)) end_process();
  }

 private:
  int socket_;
  std::mutex mutex_;
};

/// Queue of requests. A separate thread reads them, so that an interruption and the end of the connection are noticed
/// while the network trains.
class Inbox {
 public:
  Inbox(int socket, Runtime& runtime) : reader_([this, socket, &runtime] { read_all(socket, runtime); }) {
    reader_.detach();
  }
  NeuralMessage next() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return !messages_.empty(); });
    NeuralMessage message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

 private:
  void read_all(int socket, Runtime& runtime) {
    const auto read = [&](std::span<std::byte> bytes) {
      if (!receive_all(socket, bytes, never_wait)) end_process();
    };
    try {
      for (;;) {
        NeuralMessage message = read_message(read);
        if (message.type() == "interrupt") {
          runtime.request_interrupt();
          continue;
        }
        runtime.clear_interrupt();  // of an earlier request; one for this request follows it
        const std::lock_guard lock(mutex_);
        messages_.push_back(std::move(message));
        arrived_.notify_one();
      }
    } catch (const std::exception&) {  // after malformed data, later messages cannot be parsed either
      end_process();
    }
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<NeuralMessage> messages_;
  std::thread reader_;
};

/// Sends progress to the other process, at most ten times a second.
class SentProgress final : public Progress {
 public:
  explicit SentProgress(Outbox& outbox) : outbox_(outbox) {}
  void begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override {
    send({{"what", "begin"}, {"task", task}, {"unit", unit}, {"total", total}, {"done", done}});
  }
  void advance(std::uint64_t units) override {
    constexpr std::chrono::milliseconds kPause{100};
    std::uint64_t sum = 0;
    {
      const std::lock_guard lock(mutex_);
      waiting_ += units;
      if (Clock::now() - last_ < kPause) return;
      last_ = Clock::now();
      std::swap(sum, waiting_);
    }
    send_advance(sum);
  }
  void detail(std::string_view text) override { send({{"what", "detail"}, {"text", text}}); }
  void finish() override { send({{"what", "finish"}}); }
  void note(std::string_view text) override { send({{"what", "note"}, {"text", text}}); }
  void flush() {
    std::uint64_t sum = 0;
    {
      const std::lock_guard lock(mutex_);
      std::swap(sum, waiting_);
    }
    if (sum > 0) send_advance(sum);
  }

 private:
  void send(json message) {
    flush();
    message["type"] = "progress";
    outbox_.send(message);
  }
  void send_advance(std::uint64_t units) {
    outbox_.send({{"type", "progress"}, {"what", "advance"}, {"units", units}});
  }
  Outbox& outbox_;
  std::mutex mutex_;
  std::uint64_t waiting_ = 0;
  Clock::time_point last_;
};

class Server {
 public:
  Server(Runtime& runtime, Outbox& outbox) : runtime_(runtime), outbox_(outbox), progress_(outbox) {}

  void handle(NeuralMessage request) {
    try {
      const NeuralMessage reply = reply_to(std::move(request));
      outbox_.send(reply.header, reply.numbers);
    } catch (const std::exception& problem) {
      progress_.flush();
      const auto* const files = dynamic_cast<const std::filesystem::filesystem_error*>(&problem);
      outbox_.send(files != nullptr ? error_message(to_error(*files)) : error_message(problem));
    }
  }

 private:
  NeuralMessage reply_to(NeuralMessage request) {
    const json& header = request.header;
    if (const int threads = header.value("threads", 0); threads > 0) runtime_.set_threads(threads);
    const std::string type = request.type();
    if (type == "create") return create(header);
    if (!classifier_) throw Error("no network was created", type);
    if (type == "validation") return take_validation(std::move(request));
    if (type == "fit") return fit(std::move(request));
    if (type == "fit pack") return fit_pack(request);
    if (type == "predict") return predict(std::move(request));
    if (type == "save") return save();
    if (type == "load") return load(request);
    throw Error("is not a request of this version", type);
  }

  NeuralMessage create(const json& header) {
    runtime_.set_device(header.at("device").get<std::string>());
    runtime_.set_weights(header.at("weights").get<std::string>());
    const json& stores = header.at("stores");
    set_store_options({stores.at("endpoint"), stores.at("region"), stores.at("profile")});
    classifier_ = neural::make_network_classifier(header.at("kind").get<std::string>(),
                                                  header.at("parameters").get<Parameters>(), header.at("seed"));
    return done();
  }

  /// Keeps the validation part for the next fit.
  NeuralMessage take_validation(NeuralMessage request) {
    const json& header = request.header;
    validation_ = {{header.at("rows"), header.at("cols"), std::move(request.numbers)},
                   header.at("labels").get<std::vector<int>>()};
    return done();
  }

  NeuralMessage fit(NeuralMessage request) {
    const json& header = request.header;
    const Matrix examples(header.at("rows"), header.at("cols"), std::move(request.numbers));
    const auto labels = header.at("labels").get<std::vector<int>>();
    const auto groups = header.at("groups").get<std::vector<std::string>>();
    const Validation held_out = std::exchange(validation_, {});
    const TrainingData validation{held_out.examples, held_out.labels, header.at("label_count")};
    return fitted(header, [&](FitContext& context) {
      if (!held_out.labels.empty()) context.validation = &validation;
      classifier_->fit({examples, labels, header.at("label_count"), groups}, context);
    });
  }

  NeuralMessage fit_pack(const NeuralMessage& request) {
    const json& header = request.header;
    const std::filesystem::path folder = header.at("folder").get<std::string>();
    const std::string manifest = as_bytes(request.numbers, header.at("bytes"));
    return fitted(header, [&](const FitContext& context) {
      classifier_->fit_batches(pack_batches(parse_manifest(manifest, folder / kManifestName), header.at("cache_bytes")),
                               context);
    });
  }

  template <class Fit>
  NeuralMessage fitted(const json& header, Fit&& fit) {
    const json& request = header.at("context");
    FitContext context = fit_context_from(request);
    TrainingCurve curve, followed;
    context.progress = &progress_;
    context.curve = &curve;
    if (request.contains("follow")) {
      followed = training_curve_from_json(request.at("follow"));
      context.follow = &followed;
    }
    fit(context);
    progress_.flush();
    NeuralMessage reply = done();
    reply.header["training"] = to_json(curve);
    return reply;
  }

  NeuralMessage predict(NeuralMessage request) const {
    const Matrix examples(request.header.at("rows"), request.header.at("cols"), std::move(request.numbers));
    const Matrix probabilities = classifier_->predict_probabilities(examples);
    NeuralMessage reply = done();
    reply.header["cols"] = probabilities.cols();
    reply.numbers.assign(probabilities.values().begin(), probabilities.values().end());
    return reply;
  }

  NeuralMessage save() const {
    TensorArchive archive;
    classifier_->save(archive, "");
    const std::string bytes = archive.serialise();
    NeuralMessage reply = done();
    reply.header["bytes"] = bytes.size();
    reply.numbers = as_numbers(bytes);
    return reply;
  }

  NeuralMessage load(const NeuralMessage& request) {
    classifier_->load(TensorArchive::parse(as_bytes(request.numbers, request.header.at("bytes")),
                                           request.header.at("name").get<std::string>()),
                      "");
    return done();
  }

  static NeuralMessage done() { return {{{"type", "done"}}, {}}; }

  Runtime& runtime_;
  Outbox& outbox_;
  SentProgress progress_;
  std::unique_ptr<Classifier> classifier_;
  struct Validation {
    Matrix examples;
    std::vector<int> labels;
  } validation_;
};

}  // namespace

void serve() {
  for (const int stop : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(stop, SIG_IGN);
  const int in = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), out = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // output of libraries must not mix with the messages
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  Runtime runtime;
  const UseRuntime use(runtime);
  Outbox outbox(out);
  outbox.send({{"type", "hello"}, {"version", GENREWISE_VERSION}});
  Inbox inbox(in, runtime);
  Server server(runtime, outbox);
  for (;;) server.handle(inbox.next());
}

}  // namespace genrewise
