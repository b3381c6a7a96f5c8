// Gradient-boosted trees by the XGBoost library, with the parameters of its XGBClassifier. The trees are converted to
// our own format, so a model file loads and predicts without the library.
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/shared_library.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/trees.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/models/loaded_libraries.hpp"
#include "genrewise/records/tensor_archive.hpp"

#ifdef GENREWISE_LIBXGBOOST
#include <xgboost/c_api.h>
#endif

namespace genrewise {
namespace {

using nlohmann::json;
using Settings = std::vector<std::pair<std::string, std::string>>;

#ifdef GENREWISE_LIBXGBOOST

constexpr SharedLibrary kXgboost{GENREWISE_LIBXGBOOST, "XGBoost"};
GENREWISE_LOADED_FUNCTION(kXgboost, XGBGetLastError);
GENREWISE_LOADED_FUNCTION(kXgboost, XGBoosterCreate);
GENREWISE_LOADED_FUNCTION(kXgboost, XGBoosterDumpModelEx);
GENREWISE_LOADED_FUNCTION(kXgboost, XGBoosterFree);
GENREWISE_LOADED_FUNCTION(kXgboost, XGBoosterSetParam);
GENREWISE_LOADED_FUNCTION(kXgboost, XGBoosterUpdateOneIter);
GENREWISE_LOADED_FUNCTION(kXgboost, XGDMatrixCreateFromMat_omp);
GENREWISE_LOADED_FUNCTION(kXgboost, XGDMatrixFree);
GENREWISE_LOADED_FUNCTION(kXgboost, XGDMatrixSetFloatInfo);

constexpr std::size_t kValuesPerThread = 200'000;

void check(int status) {
  if (status != 0) throw Error(std::string("XGBoost failed: ") + XGBGetLastError(), "xgboost");
}

struct Handles {
  DMatrixHandle data = nullptr;
  BoosterHandle booster = nullptr;
  ~Handles() {
    if (booster != nullptr) XGBoosterFree(booster);
    if (data != nullptr) XGDMatrixFree(data);
  }
};

/// Each tree in XGBoost's JSON format; with several outputs the trees of one round follow each other.
std::vector<json> boost(const Matrix& examples, std::span<const int> classes, const Settings& settings, int rounds) {
  Handles handles;
  // OpenMP's threads wait for each other by spinning, which slows down small tables.
  const auto worth = 1 + static_cast<int>(examples.rows() * examples.cols() / kValuesPerThread);
  const int threads = inside_parallel_for() ? 1 : std::min(thread_budget(), worth);
  check(XGDMatrixCreateFromMat_omp(examples.data(), examples.rows(), examples.cols(),
                                   std::numeric_limits<float>::quiet_NaN(), &handles.data, threads));
  const std::vector<float> labels(classes.begin(), classes.end());
  check(XGDMatrixSetFloatInfo(handles.data, "label", labels.data(), labels.size()));
  check(XGBoosterCreate(&handles.data, 1, &handles.booster));
  for (const auto& [name, value] : settings) check(XGBoosterSetParam(handles.booster, name.c_str(), value.c_str()));
  check(XGBoosterSetParam(handles.booster, "nthread", std::to_string(threads).c_str()));
  for (int round = 0; round < rounds; ++round) {
    throw_if_interrupted();
    check(XGBoosterUpdateOneIter(handles.booster, round, handles.data));
  }
  bst_ulong count = 0;
  const char** texts = nullptr;
  check(XGBoosterDumpModelEx(handles.booster, "", 0, "json", &count, &texts));
  std::vector<json> trees;
  for (bst_ulong t = 0; t < count; ++t) {
    trees.push_back(json::parse(texts[t], nullptr, false));
    if (trees.back().is_discarded())
      throw Error("its trees hold values that are not finite", "xgboost", "lower learning_rate");
  }
  return trees;
}

#else

std::vector<json> boost(const Matrix&, std::span<const int>, const Settings&, int) {
  throw Error("this program was built without XGBoost and cannot train it (models trained elsewhere can be used)",
              "xgboost", "install libxgboost-dev and build again");
}

#endif

/// XGBoost branches left when x < threshold, Forest when x <= threshold: use the next smaller number.
void take_over(const json& tree, std::size_t at, Forest& forest, std::vector<float>& leaves) {
  if (tree.contains("leaf")) {
    forest.nodes[at].left = static_cast<std::int32_t>(leaves.size());
    leaves.push_back(tree["leaf"].get<float>());
    return;
  }
  const std::size_t left = forest.nodes.size();
  forest.nodes.resize(left + 2);
  const auto feature = std::stoi(tree["split"].get<std::string>().substr(1));  // "f12"
  forest.nodes[at] = {feature, static_cast<std::int32_t>(left), static_cast<std::int32_t>(left + 1),
                      std::nextafter(tree["split_condition"].get<float>(), -std::numeric_limits<float>::infinity())};
  for (const json& child : tree["children"])
    take_over(child, child["nodeid"] == tree["yes"] ? left : left + 1, forest, leaves);
}

class GradientBoosting final : public ClassicalClassifier {
 public:
  GradientBoosting(const ParameterValues& given, std::uint64_t seed)
      : ClassicalClassifier(gradient_boosting(), given), rounds_(static_cast<int>(read().integer("n_estimators"))) {
    settings_ = {{"tree_method", "hist"}, {"verbosity", "0"}, {"seed", std::to_string(seed % 2147483647)}};
    for (const auto& [name, value] : read().all())
      if (name != "n_estimators") settings_.emplace_back(name, value);
  }

 private:
  std::size_t outputs() const { return class_count() == 2 ? 1 : static_cast<std::size_t>(class_count()); }

  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    Settings settings = settings_;
    if (outputs() == 1) {
      settings.emplace_back("objective", "binary:logistic");
    } else {
      settings.emplace_back("objective", "multi:softprob");
      settings.emplace_back("num_class", std::to_string(class_count));
    }
    forest_ = {};
    std::vector<float> leaves;
    for (const json& tree : boost(examples, classes, settings, rounds_)) {
      forest_.roots.push_back(static_cast<std::int32_t>(forest_.nodes.size()));
      forest_.nodes.emplace_back();
      take_over(tree, forest_.nodes.size() - 1, forest_, leaves);
    }
    const std::size_t count = leaves.size();
    forest_.leaves = Matrix(count, 1, std::move(leaves));
  }

  Matrix probabilities(const Matrix& examples) const override {
    return softmax_of(examples, [&](std::span<const float> example, std::span<double> scores) {
      // With one output, it is the score of the second class, and the first has score 0.
      for (std::size_t t = 0; t < forest_.roots.size(); ++t)
        scores[outputs() == 1 ? 1 : t % outputs()] += forest_.leaf(forest_.roots[t], example)[0];
    });
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override { forest_.save(archive, prefix); }
  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    forest_.load(archive, prefix, columns(), 1);
  }

  int rounds_;
  Settings settings_;
  Forest forest_;
};

}  // namespace

const ClassifierDescriptor& gradient_boosting() {
  const Range share = {.least = 0, .most = 1, .least_open = true};
  static const ClassifierDescriptor descriptor = {
      .kind = "xgboost",
      .title = "Gradient-boosted trees",
      .summary = "trees fitted to the gradient of the loss by XGBoost, with its XGBClassifier's parameters",
      .parameters =
          {trees_parameter("100"),
           parameter::integer("max_depth", "6", between(1, 64), "maximum depth of a tree")
               .searched("2,4,6", Simpler::smaller),
           parameter::number("learning_rate", "0.3", above(0), "factor of each tree's values").searched("0.05,0.1,0.3"),
           parameter::number("subsample", "1", share, "share of the examples drawn for each tree"),
           parameter::number("colsample_bytree", "1", share, "share of the columns drawn for each tree"),
           parameter::number("min_child_weight", "1", at_least(0), "minimum sum of Hessians in a leaf"),
           parameter::number("gamma", "0", at_least(0), "minimum gain of a split"),
           parameter::number("reg_lambda", "1", at_least(0), "l2 penalty of the leaves"),
           parameter::number("reg_alpha", "0", at_least(0), "l1 penalty of the leaves")},
      .searches = {{"wide", {"max_depth=2,4,6", "learning_rate=0.05,0.1,0.3"}}},
      .make = [](const ParameterValues& given, std::uint64_t seed) {
        return std::make_unique<GradientBoosting>(given, seed);
      }};
  return descriptor;
}

}  // namespace genrewise
