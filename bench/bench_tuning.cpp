// The time of a grid relative to one of its values: `tune` on seeded clusters, with and without shared work, in turn.
//
//   bench_tuning [knn] [svm] [rows=6400] [columns=518] [threads=N] [repeats=3]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/study/tuning.hpp"

namespace {

using namespace genrewise;

constexpr std::size_t kGenres = 8;

/// Standard normal columns; every tenth has a different mean for each genre. An artist has two examples.
Examples clusters(std::size_t rows, std::size_t columns) {
  Examples examples;
  examples.name = "clusters";
  examples.table.recipe = {"table", 1, "bench"};
  for (std::size_t genre = 0; genre < kGenres; ++genre) examples.labels.push_back("genre " + std::to_string(genre));
  for (std::size_t j = 0; j < columns; ++j) examples.table.columns.push_back({"x", "value", std::to_string(j)});
  Rng rng(kDefaultSeed);
  Matrix centres(kGenres, columns);
  for (std::size_t j = 0; j < columns; j += 10) {
    for (std::size_t genre = 0; genre < kGenres; ++genre) centres(genre, j) = 0.6F * static_cast<float>(rng.normal());
  }
  examples.table.values = Matrix(rows, columns);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t genre = i % kGenres;
    for (std::size_t j = 0; j < columns; ++j) {
      examples.table.values(i, j) = centres(genre, j) + static_cast<float>(rng.normal());
    }
    const std::string id = std::to_string(i);
    examples.subjects.ids.push_back(id);
    examples.subjects.labels.push_back(static_cast<int>(genre));
    examples.subjects.artists.push_back(std::to_string(genre) + " " + std::to_string(i / kGenres / 2));
    examples.subjects.albums.emplace_back();
    examples.subjects.tracks.push_back(id);
    examples.subjects.official.emplace_back();
  }
  examples.table.track_ids = examples.subjects.ids;
  examples.subjects.labels_by_name = examples.labels;
  return examples;
}

struct Run {
  std::string name;
  TuningConfig config;
  double best_s = 1e9, accuracy = 0;
};

Run make_run(std::string name, const char* kind, Parameters fixed, const char* axis, bool share = true) {
  Run run{std::move(name), {}};
  run.config.kind = kind;
  run.config.fixed = std::move(fixed);
  run.config.axes = {parse_axis(axis)};
  run.config.share = share;
  return run;
}

void measure(const Examples& examples, std::vector<Run> runs, int repeats) {
  Progress quiet;
  for (int i = 0; i < repeats; ++i) {
    for (Run& run : runs) {
      const auto start = std::chrono::steady_clock::now();
      const TuningResult result = tune(examples, run.config, quiet);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      run.best_s = std::min(run.best_s, took.count());
      run.accuracy = result.points[result.best].accuracy;
    }
  }
  for (const Run& run : runs) {
    std::printf("%-44s %8.2f s %7.2f x  best accuracy %.3f\n", run.name.c_str(), run.best_s,
                run.best_s / runs.front().best_s, run.accuracy);
  }
}

int run(int count, char** words) {
  bench::Arguments arguments(count, words);
  const std::set<std::string> cases(arguments.words.begin(), arguments.words.end());
  const std::size_t rows = std::stoul(arguments.take("rows", "6400"));
  const std::size_t columns = std::stoul(arguments.take("columns", "518"));
  Runtime::current().set_threads(std::stoi(arguments.take("threads", std::to_string(thread_budget()))));
  const int repeats = std::stoi(arguments.take("repeats", "3"));
  if (!arguments.values.empty()) throw Error("there is no " + arguments.values.begin()->first);
  const Examples examples = clusters(rows, columns);
  if (cases.empty() || cases.contains("knn")) {
    measure(
        examples,
        {make_run("knn, one value, k = 21", "knn", {}, "k=21"), make_run("knn, one value, k = 96", "knn", {}, "k=96"),
         make_run("knn, 20 values, k = 1..96 step 5", "knn", {}, "k=1:96:5"),
         make_run("knn, the same, nothing shared", "knn", {}, "k=1:96:5", false)},
        repeats);
  }
  if (cases.empty() || cases.contains("svm")) {
    const Parameters rbf = {{"kernel", "rbf"}, {"probability", "false"}};
    measure(examples,
            {make_run("svm rbf, one value, C = 1", "svm", rbf, "C=1"),
             make_run("svm rbf, 5 values, C = 0.1, 0.3, 1, 3, 10", "svm", rbf, "C=0.1,0.3,1,3,10"),
             make_run("svm rbf, the same, nothing shared", "svm", rbf, "C=0.1,0.3,1,3,10", false)},
            repeats);
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_tuning: %s\n", error.what());
    return 1;
  }
}
