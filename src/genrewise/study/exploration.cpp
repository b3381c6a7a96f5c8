#include "genrewise/study/exploration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/evaluation/statistics.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using Rows = std::vector<std::size_t>;

constexpr std::size_t kMostClips = 16, kMostDistributions = 8;
constexpr std::size_t kMostPoints = 1500, kMostForTsne = 1000, kLeastPoints = 4;
constexpr std::size_t kMostValues = 50'000'000;                     // of a sample of examples: 200 MB
constexpr std::size_t kComponents = 50;                             // that t-SNE starts from
constexpr std::size_t kLargestExactSide = 600;                      // of a sample whose components are computed exactly
constexpr std::size_t kCandidates = 200, kCandidateColumns = 1000;  // examples of a genre and columns for its median
constexpr double kLargestF = 1e9;

/// At most `most` of the rows, in random order.
Rows sample_of(Rows rows, std::size_t most, std::uint64_t seed) {
  Rng(derive_seed(seed, "exploration")).shuffle(std::span(rows));
  if (rows.size() > most) rows.resize(most);
  return rows;
}

/// Four significant digits: enough for a chart.
double rounded(double value) {
  parse_number(fmt::format("{:.4g}", value), value);
  return value;
}

/// The row that is nearest to the median of the rows: sum over columns of the distances, each in units of the mean
/// distance in that column.
std::size_t typical_row(const Matrix& values, const Rows& rows) {
  const std::size_t columns = std::min(values.cols(), kCandidateColumns);
  std::vector<double> distance(rows.size()), column(rows.size()), sorted;
  for (std::size_t c = 0; c < columns; ++c) {
    const std::size_t j = c * values.cols() / columns;
    std::ranges::transform(rows, column.begin(), [&](std::size_t row) { return values(row, j); });
    sorted = column;
    std::ranges::sort(sorted);
    const double median = quantile(sorted, 0.5);
    double mean = 0;
    for (double& value : column) mean += (value = std::abs(value - median)) / static_cast<double>(rows.size());
    for (std::size_t i = 0; mean > 0 && i < rows.size(); ++i) distance[i] += column[i] / mean;
  }
  return rows[static_cast<std::size_t>(std::ranges::min_element(distance) - distance.begin())];
}

class Explorer {
 public:
  Explorer(const Examples& examples, const Split& split, std::uint64_t seed)
      : examples_(examples), training_(split.rows(Part::training)), seed_(seed), rows_of_(examples.labels.size()) {
    for (const std::size_t row : training_) rows_of_[label_of(row)].push_back(row);
  }

  /// The genres with the most training examples, in the order of the labels.
  std::vector<std::size_t> largest_genres() const {
    std::vector<std::size_t> genres;
    for (std::size_t genre = 0; genre < rows_of_.size(); ++genre) {
      if (!rows_of_[genre].empty()) genres.push_back(genre);
    }
    std::ranges::stable_sort(genres, std::greater<>(), [&](std::size_t genre) { return rows_of_[genre].size(); });
    if (genres.size() > kMostClips) genres.resize(kMostClips);
    std::ranges::sort(genres);
    return genres;
  }

  json clips(const Dataset& audio, const std::vector<std::size_t>& genres, std::vector<Fault>& skipped) const {
    std::map<std::string_view, const Track*> tracks;
    for (const Track& track : audio.tracks) tracks.emplace(track.id, &track);
    std::vector<const Track*> chosen;
    for (const std::size_t genre : genres) {
      const std::size_t row = typical_row(examples_.table.values, sample_of(rows_of_[genre], kCandidates, seed_));
      chosen.push_back(tracks.at(examples_.subjects.ids[row]));
    }
    json clips = json::array();
    auto pictures = clip_pictures(chosen);
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      if (!pictures[i]) {
        skipped.push_back(pictures[i].error());
        continue;
      }
      (*pictures[i])["genre"] = examples_.labels[genres[i]];
      clips.push_back(std::move(*pictures[i]));
    }
    return clips;
  }

  json distributions() const {
    const FeatureTable& table = examples_.table;
    const std::vector<double> f = anova_f(table.values, training_, examples_.subjects.labels, rows_of_.size());
    Rows order(f.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::erase_if(order, [&](std::size_t j) { return f[j] <= 0; });
    const std::size_t shown = std::min(order.size(), kMostDistributions);
    std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(shown), [&](auto a, auto b) {
      return std::pair(f[b], a) < std::pair(f[a], b);  // of equal ones the first column
    });
    order.resize(shown);
    json distributions = json::array();
    for (const std::size_t j : order) {
      const FeatureColumn& column = table.columns[j];
      std::string name = column.feature;
      for (const std::string& part : {column.statistic, column.number}) name += part.empty() ? "" : " " + part;
      distributions.push_back({{"feature", name}, {"f", rounded(f[j])}, {"genres", quantiles(j)}});
    }
    return distributions;
  }

  /// PCA, and t-SNE of a part of the points; nothing for a table without two columns or four training examples.
  void project(const std::string& features, const FeatureTable& table, json& projections) const {
    const std::size_t most = std::clamp(kMostValues / table.values.cols(), kLeastPoints, kMostPoints);
    const Rows sample = sample_of(training_, most, seed_);
    const std::size_t side = std::min(sample.size(), table.values.cols());
    if (sample.size() < kLeastPoints || side < 2) return;
    Preprocessor preprocessor({.pca_components = std::min(side, kComponents),
                               .pca_solver = side > kLargestExactSide ? PcaSolver::randomised : PcaSolver::exact,
                               .seed = seed_});
    Matrix values = table.values.select_rows(sample);
    preprocessor.fit(values, table.offsets);
    const Matrix points = preprocessor.transform(std::move(values), table.offsets);
    const auto axis = [&](std::size_t i) {
      return fmt::format("PC {} ({:.0f} %)", i + 1, 100 * preprocessor.explained_variance_ratio()[i]);
    };
    add(features, "PCA", {axis(0), axis(1)}, points, sample, projections);
    Rows first(std::min(sample.size(), kMostForTsne));
    std::iota(first.begin(), first.end(), std::size_t{0});
    add(features, "t-SNE", {"t-SNE 1", "t-SNE 2"}, tsne(points.select_rows(first)), sample, projections);
  }

 private:
  std::size_t label_of(std::size_t row) const { return static_cast<std::size_t>(examples_.subjects.labels[row]); }

  json quantiles(std::size_t j) const {
    const FeatureTable& table = examples_.table;
    json genres = json::array();
    for (std::size_t genre = 0; genre < rows_of_.size(); ++genre) {
      if (rows_of_[genre].empty()) continue;
      std::vector<double> sorted;
      for (const std::size_t row : rows_of_[genre])
        sorted.push_back(table.values(row, j) + (table.offsets.empty() ? 0 : table.offsets[j]));
      std::ranges::sort(sorted);
      json five = json::array();
      for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) five.push_back(rounded(quantile(sorted, share)));
      genres.push_back({{"genre", examples_.labels[genre]}, {"quantiles", std::move(five)}});
    }
    return genres;
  }

  void add(const std::string& features, const char* method, const std::vector<std::string>& axes, const Matrix& places,
           const Rows& rows, json& projections) const {
    json points = json::array();
    for (std::size_t i = 0; i < places.rows(); ++i)
      points.push_back({rounded(places(i, 0)), rounded(places(i, 1)), label_of(rows[i])});
    projections.push_back({{"features", features}, {"method", method}, {"axes", axes}, {"points", std::move(points)}});
  }

  const Examples& examples_;
  Rows training_;
  std::uint64_t seed_;
  std::vector<Rows> rows_of_;  // training rows of each genre
};

}  // namespace

std::vector<double> anova_f(const Matrix& values, const Rows& rows, const std::vector<int>& labels,
                            std::size_t label_count) {
  std::vector<double> f(values.cols()), counts(label_count);
  for (const std::size_t row : rows) ++counts[static_cast<std::size_t>(labels[row])];
  const auto present = static_cast<double>(std::ranges::count_if(counts, [](double count) { return count > 0; }));
  const auto n = static_cast<double>(rows.size());
  if (present < 2 || n <= present) return f;
  constexpr std::size_t kBlock = 64;
  parallel_for((values.cols() + kBlock - 1) / kBlock, [&](std::size_t block, int) {
    const std::size_t first = kBlock * block, width = std::min(kBlock, values.cols() - first);
    std::vector<double> sums(label_count * width), squares(width);
    for (const std::size_t row : rows) {
      double* const sum = sums.data() + static_cast<std::size_t>(labels[row]) * width;
      for (std::size_t j = 0; j < width; ++j) {
        const double value = double{values(row, first + j)} - values(rows.front(), first + j);
        sum[j] += value;
        squares[j] += value * value;
      }
    }
    for (std::size_t j = 0; j < width; ++j) {
      double all = 0, of_groups = 0;
      for (std::size_t label = 0; label < label_count; ++label) {
        const double sum = sums[label * width + j];
        all += sum;
        if (counts[label] > 0) of_groups += sum * sum / counts[label];
      }
      const double rounding = 1e-12 * squares[j];
      const double between = of_groups - all * all / n, within = squares[j] - of_groups;
      if (between <= rounding) continue;
      const double ratio = within <= rounding ? kLargestF : between / (present - 1) / (within / (n - present));
      f[first + j] = std::min(ratio, kLargestF);
    }
  });
  return f;
}

json explore(const DataSource& source, const Examples& examples, const Split& split,
             const std::vector<std::string>& sets, const TableSource& table_of, std::uint64_t seed,
             Progress& progress) {
  const Explorer explorer(examples, split, seed);
  const std::string& own = examples.table.recipe.name;
  std::set<std::string> others(sets.begin(), sets.end());
  others.erase("");
  others.erase(own);
  const auto genres = source.has_audio() ? explorer.largest_genres() : std::vector<std::size_t>();
  progress.begin("exploring", "steps", genres.size() + 2 + others.size());
  std::vector<Fault> skipped;
  json clips = genres.empty() ? json::array() : explorer.clips(source.audio(), genres, skipped);
  json distributions = explorer.distributions(), projections = json::array();
  progress.advance();
  explorer.project(own, examples.table, projections);
  progress.advance();
  for (const std::string& set : others) {
    explorer.project(set, table_of(set), projections);
    progress.advance();
  }
  progress.finish();
  for (const auto& [reason, count] : counts_by_reason(skipped)) {
    if (source.extracts())
      progress.note(fmt::format("{} genres have no example clip in the report: {}", count, reason));
  }
  return {{"clips", std::move(clips)},
          {"distributions", std::move(distributions)},
          {"projections", std::move(projections)}};
}

}  // namespace genrewise
