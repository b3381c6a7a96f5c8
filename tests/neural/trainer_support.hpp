// Shared helpers of the tests of networks and the trainer.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/progress.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/models/neural/training/network_classifier.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise::testing {

struct Examples {
  Matrix values;
  std::vector<int> labels;
};

/// Noise with a bump of height `strength` at a position that depends on the label.
inline Examples made_examples(std::size_t rows, std::size_t cols, int classes, double strength = 1.5,
                              std::uint64_t seed = 1) {
  Rng rng(seed);
  Examples made{Matrix(rows, cols), {}};
  for (std::size_t i = 0; i < rows; ++i) {
    const auto label = i % static_cast<std::size_t>(classes);
    made.labels.push_back(static_cast<int>(label));
    for (std::size_t j = 0; j < cols; ++j) {
      const bool own = j * static_cast<std::size_t>(classes) / cols == label;
      made.values(i, j) = static_cast<float>(rng.normal() + (own ? strength : 0));
    }
  }
  return made;
}

inline std::unique_ptr<Classifier> fitted(std::string_view kind, const Parameters& parameters, const Examples& examples,
                                          int classes, const FitContext& context = {}, std::uint64_t seed = 7,
                                          const std::vector<std::string>& groups = {}) {
  auto classifier = neural::make_network_classifier(kind, parameters, seed);
  classifier->fit({examples.values, examples.labels, classes, groups}, context);
  return classifier;
}

/// The fitted state as bytes.
inline std::string state_of(const Classifier& classifier) {
  TensorArchive archive;
  classifier.save(archive, "");
  return archive.serialise();
}

inline double accuracy_of(const Classifier& classifier, const Examples& examples) {
  const std::vector<int> predicted = classifier.predict(examples.values);
  double right = 0;
  for (std::size_t i = 0; i < predicted.size(); ++i) right += predicted[i] == examples.labels[i];
  return right / static_cast<double>(predicted.size());
}

/// An unused port of the loopback address.
inline int free_port() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(descriptor, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(descriptor);
  return ntohs(address.sin_port);
}

/// Requests an interruption after a number of clips, and records the notes.
class Stopping final : public Progress {
 public:
  explicit Stopping(std::uint64_t after = ~std::uint64_t{0}) : left_(after) {}
  void advance(std::uint64_t units) override {
    if (left_ != ~std::uint64_t{0} && (left_ -= std::min(left_, units)) == 0) request_interrupt();
  }
  void note(std::string_view text) override { notes.emplace_back(text); }
  std::vector<std::string> notes;

 private:
  std::uint64_t left_;
};

}  // namespace genrewise::testing
