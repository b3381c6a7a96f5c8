// Fits one classifier on a folder of raw arrays and prints its times as one line of JSON; bench/compare_sklearn.py
// writes the folder, runs this and scikit-learn in turn and prints the ratios.
//
//   bench_models FOLDER KIND [threads=N] [seed=N] [labels=FILE] [name=value ...]
//
// labels=FILE writes the predicted labels there (int32).
// FOLDER holds train.f32 and test.f32 (row-major floats, standardised), train.i32 and test.i32 (labels).
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "arguments.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace {

using namespace genrewise;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class T>
std::vector<T> read_raw(const std::filesystem::path& path) {
  std::vector<T> values(std::filesystem::file_size(path) / sizeof(T));
  std::FILE* file = std::fopen(path.c_str(), "rb");
  const bool whole = file != nullptr && std::fread(values.data(), sizeof(T), values.size(), file) == values.size();
  if (file != nullptr) std::fclose(file);
  if (!whole) throw Error("cannot be read", path.string());
  return values;
}

void write_raw(const std::string& path, const std::vector<int>& values) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool whole = file != nullptr && std::fwrite(values.data(), sizeof(int), values.size(), file) == values.size();
  if (file != nullptr) std::fclose(file);
  if (!whole) throw Error("cannot be written", path);
}

struct Part {
  Matrix examples;
  std::vector<int> labels;

  explicit Part(const std::filesystem::path& stem) : labels(read_raw<int>(stem.string() + ".i32")) {
    auto values = read_raw<float>(stem.string() + ".f32");
    const std::size_t rows = labels.size(), cols = values.size() / rows;
    examples = Matrix(rows, cols, std::move(values));
  }
};

double mean_log_loss(const Classifier& classifier, const Part& part) {
  const Matrix probabilities = classifier.predict_probabilities(part.examples);
  double sum = 0;
  for (std::size_t i = 0; i < part.labels.size(); ++i)
    sum -= std::log(std::max(1e-15f, probabilities(i, static_cast<std::size_t>(part.labels[i]))));
  return sum / static_cast<double>(part.labels.size());
}

/// The objective of logistic regression: mean loss + |weights|^2 / (2 C examples).
double logistic_objective(const Classifier& classifier, const Part& train) {
  TensorArchive archive;
  classifier.save(archive, "");
  const std::size_t width = train.examples.cols() + 1;
  const auto weights = archive.doubles("weights", archive.count("weights"));
  double squares = 0, c = 1;
  for (std::size_t k = 0; k < weights.size(); ++k)
    if (k % width != width - 1) squares += weights[k] * weights[k];
  parse_number(classifier.parameters().find("C")->second, c);
  return mean_log_loss(classifier, train) + squares / (2 * c * static_cast<double>(train.labels.size()));
}

int run(int count, char** words) {
  bench::Arguments arguments(count, words);
  if (arguments.words.size() != 2)
    throw Error("usage: bench_models FOLDER KIND [threads=N] [seed=N] [labels=FILE] [name=value ...]");
  Runtime::current().set_threads(std::stoi(arguments.take("threads", std::to_string(thread_budget()))));
  const std::uint64_t seed = std::stoull(arguments.take("seed", std::to_string(kDefaultSeed)));
  const std::string labels_path = arguments.take("labels", ""), kind = arguments.words[1];
  const std::filesystem::path folder = arguments.words[0];
  const Part train(folder / "train"), test(folder / "test");
  const int label_count = *std::max_element(train.labels.begin(), train.labels.end()) + 1;
  auto classifier = make_classifier(kind, arguments.values, seed);

  const double start = seconds();
  classifier->fit({train.examples, train.labels, label_count});
  const double fitted = seconds();
  const std::vector<int> predicted = classifier->predict(test.examples);
  const double done = seconds();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);

  if (!labels_path.empty()) write_raw(labels_path, predicted);
  std::size_t right = 0;
  for (std::size_t i = 0; i < predicted.size(); ++i) right += predicted[i] == test.labels[i];
  nlohmann::json line = {{"kind", kind},
                         {"fit_s", fitted - start},
                         {"predict_s", done - fitted},
                         {"accuracy", static_cast<double>(right) / static_cast<double>(predicted.size())},
                         {"peak_mib", usage.ru_maxrss / 1024}};
  if (classifier->kind() == "logreg") line["objective"] = logistic_objective(*classifier, train);
  std::printf("%s\n", line.dump().c_str());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  // OpenBLAS' own threads, which are not used here, spin for some dozen milliseconds when it is loaded.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  try {
    return run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_models: %s\n", error.what());
    return 1;
  }
}
