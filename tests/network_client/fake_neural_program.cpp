// Replaces genrewise-neural: greets, and handles the request "fit" as $FAKE_NEURAL_PROGRAM specifies.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "genrewise/base/error.hpp"
#include "genrewise/models/networks/messages.hpp"

namespace {

using namespace genrewise;
using nlohmann::json;

void read_all(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got <= 0) ::_exit(0);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

void write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (sent <= 0) ::_exit(0);
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

void send(const json& header, std::span<const float> numbers = {}) {
  const std::string head = message_head(header, numbers.size(), kNeuralProtocol);
  write_all(std::as_bytes(std::span(head)));
  write_all(std::as_bytes(numbers));
}

void report(json what) {
  what["type"] = "progress";
  send(what);
}

/// The behaviour of a fit in each mode, before its reply.
void misbehave(const std::string& mode) {
  if (mode == "exit") {
    const std::string words = "the library failed: boom\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, words.data(), words.size());
    ::_exit(3);
  }
  if (mode == "crash") std::raise(SIGABRT);
  if (mode == "garbage") {
    const std::string words = "Loading library version 1.2.3 ...\n";
    write_all(std::as_bytes(std::span(words)));
  }
  if (mode == "chatter") {  // far more than the capacity of a pipe
    const std::string line(1 << 16, 'x');
    for (int i = 0; i < 20; ++i) [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  }
  if (mode == "error") throw Error("has no column 7", "table", "give another table");
  if (mode == "unknown name") throw UnknownName("there is no network 'x'", "somewhere", "choose one of y");
  if (mode == "interrupt") {
    report({{"what", "begin"}, {"task", "waiting"}, {"unit", "clips"}, {"total", 10}});
    while (read_message(read_all).type() != "interrupt") {
    }
    throw Interrupted();
  }
  if (mode == "progress") {
    report({{"what", "begin"}, {"task", "training"}, {"unit", "clips"}, {"total", 10}, {"done", 2}});
    report({{"what", "detail"}, {"text", "epoch 1 of 1, loss 0.5"}});
    report({{"what", "advance"}, {"units", 8}});
    report({{"what", "note"}, {"text", "epoch 1 of 1"}});
    report({{"what", "finish"}});
  }
}

/// Predicts for every row the number of tables sent so far, so that a test can count them.
void serve(const std::string& mode) {
  int fits = 0;
  json created;
  NeuralMessage validation;
  for (;;) {
    const NeuralMessage request = read_message(read_all);
    try {
      if (request.type() == "create") created = request.header;
      if (request.type() == "validation") validation = request;
      if (request.type() == "fit") {
        ++fits;
        misbehave(mode);
      }
      if (request.type() == "fit" && mode == "curve") {
        const json& context = request.header.at("context");
        const FitContext sent = fit_context_from(context);
        if (!sent.replace_run || sent.epoch_notes || sent.run_folder != "runs/\xff" || sent.embeddings_folder != "runs")
          throw Error("the context did not arrive");
        float sum = 0;
        for (const float value : validation.numbers) sum += value;
        json curve = context.at("follow");
        curve["epochs"] = {
            {{"epoch", validation.header.at("rows")}, {"loss", sum}, {"accuracy", 0.5}, {"learning_rate", 0.1}}};
        send({{"type", "done"}, {"training", curve}});
        continue;
      }
      if (request.type() == "predict") {
        const std::size_t rows = request.header.at("rows");
        std::vector<float> numbers;
        for (std::size_t i = 0; i < rows; ++i)
          numbers.insert(numbers.end(), {1.0F / static_cast<float>(1 + fits), request.numbers[0]});
        send({{"type", "done"}, {"cols", 2}}, numbers);
        continue;
      }
      send({{"type", "done"}});
    } catch (const std::exception& problem) {
      send(error_message(problem));
    }
  }
}

}  // namespace

int main() {
  const char* value = std::getenv("FAKE_NEURAL_PROGRAM");
  const std::string mode = value != nullptr ? value : "";
  if (mode == "exit at once") return 4;
  std::string hello = message_head({{"type", mode == "other program" ? "good day" : "hello"}}, 0, kNeuralProtocol);
  if (mode == "other version") hello[3] = static_cast<char>(kNeuralProtocol + 1);
  write_all(std::as_bytes(std::span(hello)));
  serve(mode);
}
