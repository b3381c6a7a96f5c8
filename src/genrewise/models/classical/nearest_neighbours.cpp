// k nearest neighbours, as scikit-learn's KNeighborsClassifier.
#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/learner.hpp"
#include "genrewise/models/classical/learners.hpp"
#include "genrewise/models/classical/neighbours.hpp"
#include "genrewise/models/tensor_archive.hpp"

namespace genrewise {
namespace {

class NearestNeighbours final : public Learner {
 public:
  explicit NearestNeighbours(const Parameters& given)
      : Learner("knn", {{"n_neighbors", "5"}, {"weights", "uniform"}, {"metric", "minkowski"}, {"p", "2"}}, given),
        neighbours_(static_cast<std::size_t>(read().integer("n_neighbors", 1))),
        by_distance_(read().one_of("weights", {"uniform", "distance"}) == "distance"),
        p_(read().number("p", 1)) {
    const std::string metric = read().one_of("metric", {"minkowski", "euclidean", "manhattan", "cosine"});
    metric_ = metric == "minkowski"   ? Metric::minkowski
              : metric == "euclidean" ? Metric::euclidean
              : metric == "manhattan" ? Metric::manhattan
                                      : Metric::cosine;
  }

 private:
  void learn(const Matrix& examples, std::span<const int> classes, int /*class_count*/) override {
    if (neighbours_ > examples.rows())
      throw Error("n_neighbors = " + std::to_string(neighbours_) + ", and there are only " +
                      std::to_string(examples.rows()) + " training examples",
                  "knn", "ask for fewer neighbours");
    classes_.assign(classes.begin(), classes.end());
    index_ = NeighbourIndex(examples, metric_, p_);
  }

  Matrix probabilities(const Matrix& examples) const override {
    const Neighbours found = index_.find(examples, neighbours_);
    Matrix result(examples.rows(), static_cast<std::size_t>(class_count()));
    std::vector<double> votes(result.cols());
    for (std::size_t i = 0; i < examples.rows(); ++i) {
      count_votes(found, i, votes);
      double sum = 0;
      for (double vote : votes) sum += vote;
      for (std::size_t c = 0; c < votes.size(); ++c) result(i, c) = static_cast<float>(votes[c] / sum);
    }
    return result;
  }

  /// Each neighbour has one vote, or 1 / distance; those at distance 0, if any, decide alone.
  void count_votes(const Neighbours& found, std::size_t query, std::vector<double>& votes) const {
    std::ranges::fill(votes, 0.0);
    const std::size_t at = query * found.k;
    const bool hit = by_distance_ && found.distance[at] == 0;
    for (std::size_t i = at; i < at + found.k; ++i) {
      const double distance = found.distance[i];
      const double vote = !by_distance_ ? 1 : hit ? static_cast<double>(distance == 0) : 1 / distance;
      votes[static_cast<std::size_t>(classes_[found.index[i]])] += vote;
    }
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    archive.put(prefix + "examples", index_.points());
    archive.put(prefix + "classes", std::vector<std::int64_t>(classes_.begin(), classes_.end()));
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    Matrix examples = archive.matrix(prefix + "examples", columns());
    const auto classes = archive.integers(prefix + "classes", examples.rows());
    const bool sound = std::ranges::all_of(classes, [&](std::int64_t c) { return c >= 0 && c < class_count(); });
    if (!sound || neighbours_ > examples.rows()) throw Error("the neighbours make no sense", archive.name());
    classes_.assign(classes.begin(), classes.end());
    index_ = NeighbourIndex(std::move(examples), metric_, p_);
  }

  std::size_t neighbours_;
  bool by_distance_;
  double p_;
  Metric metric_ = Metric::minkowski;
  std::vector<int> classes_;
  NeighbourIndex index_;
};

}  // namespace

std::unique_ptr<Classifier> make_nearest_neighbours(const Parameters& parameters, std::uint64_t /*seed*/) {
  return std::make_unique<NearestNeighbours>(parameters);
}

}  // namespace genrewise
