// k nearest neighbours, as scikit-learn's KNeighborsClassifier.
#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/neighbours.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

const std::string kNeighboursTopic = "n_neighbors";

class NearestNeighbours final : public ClassicalClassifier {
 public:
  explicit NearestNeighbours(const ParameterValues& given)
      : ClassicalClassifier(nearest_neighbours(), given),
        neighbours_(static_cast<std::size_t>(read().integer("n_neighbors"))),
        by_distance_(read().is("weights", "distance")),
        p_(read().number("p")),
        metric_(chosen<Metric>("metric")) {}

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int /*class_count*/) override {
    if (neighbours_ > examples.rows())
      throw Error("n_neighbors = " + std::to_string(neighbours_) + ", but there are only " +
                      std::to_string(examples.rows()) + " training examples",
                  "knn", "ask for fewer neighbours");
    classes_.assign(classes.begin(), classes.end());
    make_index(examples);
  }

  void announce(SharedWork& work) const override { work.announce(kNeighboursTopic, std::to_string(neighbours_)); }

  std::string metric_name() const { return fmt::format("metric {} p {}", static_cast<int>(metric_), p_); }

  void make_index(const Matrix& examples) {
    const auto make = [&] { return NeighbourIndex(examples, metric_, p_); };
    const auto work = shared_work();
    const auto table = work ? work->name_of(examples) : std::nullopt;
    index_name_ = table ? fmt::format("neighbours in {}, {}", *table, metric_name()) : "";
    index_ =
        table ? work->get<NeighbourIndex>(
                    index_name_, make, [](const NeighbourIndex& index) { return index.points().values().size_bytes(); })
              : std::make_shared<const NeighbourIndex>(make());
  }

  /// At least `neighbours_` for each example; searches for the largest number that any classifier has announced.
  std::shared_ptr<const Neighbours> find(const Matrix& examples) const {
    const auto work = shared_work();
    const auto table = work ? work->name_of(examples) : std::nullopt;
    if (!table || index_name_.empty()) return std::make_shared<const Neighbours>(index_->find(examples, neighbours_));
    return work->get<Neighbours>(
        index_name_ + " of " + *table, [&] { return index_->find(examples, most_announced(*work)); },
        [](const Neighbours& found) { return found.index.size() * (sizeof(std::size_t) + sizeof(double)); },
        [&](const Neighbours& found) { return found.k >= neighbours_; });
  }

  std::size_t most_announced(const SharedWork& work) const {
    std::size_t most = neighbours_;
    for (const std::string& item : work.announced(kNeighboursTopic))
      if (const std::size_t k = std::stoull(item); k <= index_->points().rows()) most = std::max(most, k);
    return most;
  }

  Matrix probabilities(const Matrix& examples) const override {
    const std::shared_ptr<const Neighbours> found = find(examples);
    Matrix result(examples.rows(), static_cast<std::size_t>(class_count()));
    std::vector<double> votes(result.cols());
    for (std::size_t i = 0; i < examples.rows(); ++i) {
      count_votes(*found, i, votes);
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
    for (std::size_t i = at; i < at + neighbours_; ++i) {
      const double distance = found.distance[i];
      const double vote = !by_distance_ ? 1 : hit ? static_cast<double>(distance == 0) : 1 / distance;
      votes[static_cast<std::size_t>(classes_[found.index[i]])] += vote;
    }
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    archive.put(prefix + "examples", index_->points());
    archive.put(prefix + "classes", std::vector<std::int64_t>(classes_.begin(), classes_.end()));
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    Matrix examples = archive.matrix(prefix + "examples", columns());
    const auto classes = archive.integers(prefix + "classes", examples.rows());
    const bool sound = std::ranges::all_of(classes, [&](std::int64_t c) { return c >= 0 && c < class_count(); });
    if (!sound || neighbours_ > examples.rows()) throw Error("the neighbours are invalid", archive.name());
    classes_.assign(classes.begin(), classes.end());
    index_ = std::make_shared<const NeighbourIndex>(std::move(examples), metric_, p_);
    index_name_.clear();
  }

  std::size_t neighbours_;
  bool by_distance_;
  double p_;
  Metric metric_;
  std::vector<int> classes_;
  std::shared_ptr<const NeighbourIndex> index_;
  std::string index_name_;  // key in the shared work; empty where the index is not shared
};

}  // namespace

const ClassifierDescriptor& nearest_neighbours() {
  static const ClassifierDescriptor descriptor = {
      .kind = "knn",
      .title = "k nearest neighbours",
      .summary = "the majority of the nearest training examples, as scikit-learn's KNeighborsClassifier",
      .parameters = {parameter::integer("n_neighbors", "5", at_least(1), "number of neighbours")
                         .also_called("k")
                         .searched("1:96:5", Simpler::larger),
                     parameter::choice("weights", "uniform", {"uniform", "distance"},
                                       "one vote each, or votes of 1 / distance")
                         .searched("uniform,distance"),
                     parameter::choice("metric", "minkowski", {"minkowski", "euclidean", "manhattan", "cosine"},
                                       "distance between examples"),
                     parameter::number("p", "2", at_least(1), "exponent of the Minkowski distance")},
      .searches = {{"study", {"n_neighbors=1:96:5"}}, {"wide", {"n_neighbors=1:96:5", "weights=uniform,distance"}}},
      .presets = {{"knn", "k nearest neighbours", {}, {"n_neighbors=1,5,11,21,31,51"}, true}},
      .make = [](const ParameterValues& given, std::uint64_t) { return std::make_unique<NearestNeighbours>(given); }};
  return descriptor;
}

}  // namespace genrewise
