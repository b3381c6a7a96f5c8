// Model files whose content was changed and whose checksum was computed again, as somebody with bad intentions would.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "classifier_support.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/models/model.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/files.hpp"
#include "support/classifiers.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using testing::error_message;
using ::testing::HasSubstr;
using testing::make_clusters;
using testing::TemporaryFolder;

constexpr std::size_t kColumns = 3;

TensorArchive saved(const std::string& kind, const Parameters& parameters = {},
                    PreprocessingConfig preprocessing = {}) {
  const TemporaryFolder folder;
  const auto clusters = make_clusters(60, kColumns, 3, 1.0);
  Model model;
  model.labels = {"Rock", "Jazz", "Pop"};
  model.recipe = {"test", 7, "abcdef"};
  for (std::size_t i = 0; i < kColumns; ++i) model.columns.push_back({"mfcc", "mean", std::to_string(i)});
  model.preprocessor = Preprocessor(preprocessing);
  model.preprocessor.fit(clusters.examples);
  model.classifier = make_classifier(kind, parameters, 5);
  model.classifier->fit({model.preprocessor.transform(clusters.examples), clusters.labels, 3});
  model.facts = {{"seed", 42}};
  if (kind == "gnb") {  // the sections are the same for every kind
    model.confidence = {60, 1.5, {0.1, 0.1, 0.1}, {{0.9, 0.25, 1}, {0.6, 0.5, 0.9}, {0.4, 1, 0.8}}};
    std::vector<std::size_t> rows(60);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
    model.novelty.fit(clusters.examples, rows, {}, 5);
  }
  save_model(model, folder / "m.gwm");
  return TensorArchive::read(folder / "m.gwm");
}

std::string refusal_of(const TensorArchive& crafted) {
  return error_message([&] { parse_model(crafted.serialise_sealed(), "crafted.gwm"); });
}

TensorArchive copy_of(const TensorArchive& archive, const std::string& without = {}) {
  TensorArchive copy("crafted.gwm");
  copy.metadata = archive.metadata;
  copy.metadata.erase("sha256");
  for (const auto& [name, tensor] : archive.tensors())
    if (name != without) copy.put(name, tensor);
  return copy;
}

/// Loads the model and predicts: "Error", or "valid" for finite probabilities of its labels. Any other exception fails.
std::string outcome(const TensorArchive& crafted) {
  const Matrix examples = make_clusters(5, kColumns, 3, 1.0, 9).examples;
  try {
    const Model model = parse_model(crafted.serialise_sealed(), "crafted.gwm");
    const Predictions predictions = model.predict_with_probabilities(examples);
    EXPECT_EQ(predictions.probabilities.cols(), model.labels.size());
    for (const int label : predictions.labels) {
      EXPECT_GE(label, 0);
      EXPECT_LT(static_cast<std::size_t>(label), model.labels.size());
    }
    for (const float share : predictions.probabilities.values()) EXPECT_TRUE(std::isfinite(share));
    if (const auto point = model.confidence.threshold()) {
      EXPECT_TRUE(point->threshold >= 0 && point->threshold <= 1);
    }
    if (model.novelty.is_fitted()) {
      for (const double distance : model.novelty.distances(examples)) EXPECT_TRUE(distance >= 0 && distance <= 1e6);
    }
    return "valid";
  } catch (const Error&) {
    return "Error";
  }
}

template <class Value>
std::string filled(const Tensor& tensor, Value value) {
  std::string bytes(tensor.bytes);
  for (std::size_t at = 0; at + sizeof value <= bytes.size(); at += sizeof value)
    std::memcpy(bytes.data() + at, &value, sizeof value);
  return bytes;
}

/// The values with one of them replaced.
template <class Value>
std::string with_one(const Tensor& tensor, std::size_t index, Value value) {
  std::string bytes(tensor.bytes);
  std::memcpy(bytes.data() + index * sizeof value, &value, sizeof value);
  return bytes;
}

/// Every index of a few integers, which may be settings; of other tensors the first, middle and last.
std::vector<std::size_t> changed_indices(const Tensor& tensor, std::size_t count) {
  if (tensor.dtype != "I64" || count > 16) return {0, count / 2, count - 1};
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

template <class Value>
void each_change_of_values(const Tensor& tensor, std::initializer_list<Value> values,
                           const std::function<void(const std::string& bytes)>& each) {
  const std::size_t count = tensor.bytes.size() / sizeof(Value);
  for (const Value value : values) {
    each(filled(tensor, value));
    for (const std::size_t index : changed_indices(tensor, count))
      if (index < count) each(with_one(tensor, index, value));
  }
}

void each_change_of_values(const Tensor& tensor, const std::function<void(const std::string& bytes)>& each) {
  using Limits = std::numeric_limits<double>;
  if (tensor.dtype == "I64") {
    each_change_of_values<std::int64_t>(
        tensor, {-1, 0, 1, 2, 4, 1'000'000, 1'000'000'000, std::int64_t{1} << 31, INT64_MAX, INT64_MIN}, each);
  } else if (tensor.dtype == "F64") {
    each_change_of_values<double>(tensor, {Limits::quiet_NaN(), Limits::infinity(), 0, -1, 1e300, -1e300, 1e-300},
                                  each);
  } else {
    each_change_of_values<float>(tensor, {NAN, INFINITY, 0, -1, 1e38F, -1e38F, 1e-38F}, each);
  }
}

void each_change_of_shape(const Tensor& tensor, const std::function<void(const Tensor& changed)>& each) {
  const std::size_t size = tensor.dtype == "F32" ? 4 : 8, count = tensor.bytes.size() / size;
  const std::string longer = std::string(tensor.bytes) + std::string(tensor.bytes.substr(0, size));
  std::vector<std::size_t> reversed(tensor.shape.rbegin(), tensor.shape.rend());
  each({tensor.dtype, reversed, tensor.bytes});
  each({tensor.dtype, {count}, tensor.bytes});
  each({tensor.dtype, {1, 1, count}, tensor.bytes});
  each({tensor.dtype, {count, 1}, tensor.bytes});
  each({tensor.dtype, {1, count}, tensor.bytes});
  each({tensor.dtype, {0}, ""});
  each({tensor.dtype, {0, 1'000'000'000'000}, ""});
  each({tensor.dtype, {1'000'000'000'000, 0}, ""});
  if (!tensor.shape.empty()) {
    auto no_rows = tensor.shape;
    no_rows[0] = 0;
    each({tensor.dtype, no_rows, ""});
    auto fewer = tensor.shape;
    if (fewer[0] > 0) {
      const std::size_t row = tensor.bytes.size() / fewer[0];
      --fewer[0];
      each({tensor.dtype, fewer, tensor.bytes.substr(0, tensor.bytes.size() - row)});
    }
  }
  if (count > 0) each({tensor.dtype, {count + 1}, longer});
  each({tensor.dtype == "F32" ? "I32" : "U64", tensor.shape, tensor.bytes});
  if (tensor.dtype != "F32") each({tensor.dtype == "F64" ? "I64" : "F64", tensor.shape, tensor.bytes});
}

void each_change_of_field(const std::string& text, const std::function<void(const std::string& changed)>& each) {
  for (const char* other : {"", "null", "[]", "{}", "\"x\"", "-1", "1e999", "[null]", "[[]]", "[1,2,3]", "{\"kind\":1}",
                            "{\"kind\":\"svm\",\"parameters\":null}", "[{\"hex\":\"zz\"}]"})
    each(other);
  each(std::string(100'000, '['));
  json value = json::parse(text);
  if (value.is_array()) {
    json shorter = value, longer = value, shortest = json::array({value[0]});
    shorter.erase(0);
    longer.push_back(value[0]);
    for (const json& changed : {shorter, longer, shortest}) each(changed.dump());
  }
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      for (const json& other : {json(), json(-1), json("x"), json::array(), json::object(), json(1e300)}) {
        json changed = value;
        changed[name] = other;
        each(changed.dump());
      }
      json changed = value;
      changed.erase(name);
      each(changed.dump());
    }
  }
}

struct Case {
  std::string kind;
  Parameters parameters;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string& kind : testing::classical_kinds()) all.push_back({kind, {}});
  for (const char* kernel : {"linear", "poly", "sigmoid"}) all.push_back({"svm", {{"kernel", kernel}}});
  all.push_back({"svm", {{"probability", "false"}}});
  all.push_back({"linearsvc", {{"probability", "false"}}});
  all.push_back({"knn", {{"weights", "distance"}, {"metric", "cosine"}}});
  all.push_back({"logreg", {{"solver", "liblinear"}}});
  all.push_back({"mlp", {{"hidden_layer_sizes", "(7,5)"}, {"activation", "tanh"}}});
  return all;
}

TEST(CraftedModel, IsRefusedOrGivesValidPredictionsWhateverOneOfItsFieldsOrTensorsHolds) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.kind + " " + to_string(one.parameters));
    const TensorArchive archive = saved(one.kind, one.parameters, {.pca_components = 2, .pca_whiten = true});
    ASSERT_EQ(outcome(copy_of(archive)), "valid");
    std::size_t refused = 0, all = 0;
    const auto count = [&](const TensorArchive& crafted) {
      ++all;
      refused += outcome(crafted) == "Error" ? 1 : 0;
    };
    for (const auto& [field, text] : archive.metadata) {
      if (field == "sha256" || field == "format" || field == "format_version") continue;
      SCOPED_TRACE(field);
      each_change_of_field(text, [&](const std::string& changed) {
        TensorArchive crafted = copy_of(archive);
        crafted.metadata[field] = changed;
        count(crafted);
      });
      TensorArchive crafted = copy_of(archive);
      crafted.metadata.erase(field);
      EXPECT_EQ(outcome(crafted), "Error");
    }
    for (const auto& [name, tensor] : archive.tensors()) {
      SCOPED_TRACE(name);
      const auto put = [&, &name = name](const Tensor& changed) {
        TensorArchive crafted = copy_of(archive, name);
        crafted.put(name, changed);
        count(crafted);
      };
      each_change_of_values(tensor, [&, &tensor = tensor](const std::string& bytes) {
        put({tensor.dtype, tensor.shape, bytes});
      });
      each_change_of_shape(tensor, put);
      EXPECT_EQ(outcome(copy_of(archive, name)), "Error");
    }
    EXPECT_GT(refused, all / 4);
  }
}

TEST(CraftedModel, WithOtherLabelsOrColumnsThanItsClassifierIsRefusedWithBothNumbers) {
  const TensorArchive archive = saved("gnb");
  const auto message = [&](const char* field, const std::string& text) {
    TensorArchive crafted = copy_of(archive);
    crafted.metadata[field] = text;
    return refusal_of(crafted);
  };
  EXPECT_THAT(message("labels", R"(["Rock"])"), HasSubstr("3 labels and 3 columns, not 1 and 3"));
  EXPECT_THAT(message("columns", R"([["a","b","c"]])"), HasSubstr("takes 3 columns, but the model has 1"));
}

TEST(CraftedModel, WithANumberThatIsNotFiniteIsRefusedAndTheTensorNamed) {
  const TensorArchive archive = saved("logreg");
  TensorArchive crafted = copy_of(archive, "classifier.weights");
  const Tensor& weights = archive.tensor("classifier.weights");
  const std::string bytes = with_one(weights, 2, std::nan(""));
  crafted.put("classifier.weights", Tensor{weights.dtype, weights.shape, bytes});
  EXPECT_THAT(refusal_of(crafted), HasSubstr("tensor 'classifier.weights' has a value that is not a finite number"));
}

TEST(CraftedModel, OfAnEnsembleIsRefusedWhenAMemberHasOtherLabels) {
  const TensorArchive archive = saved("voting", {{"estimators", "(gnb,knn)"}});
  TensorArchive crafted = copy_of(archive, "classifier.1.sizes");
  crafted.put("classifier.1.sizes", std::vector<std::int64_t>{4, 3});
  EXPECT_THAT(refusal_of(crafted), HasSubstr("4 labels and 3 columns, not 3 and 3"));
}

TEST(CraftedModel, OfAKindThatIsNotTrainedIsRefused) {
  TensorArchive crafted = copy_of(saved("gnb"));
  crafted.metadata["classifier"] = R"({"kind":"zeroshot","parameters":{}})";
  EXPECT_THAT(refusal_of(crafted), HasSubstr("holds a trained classifier, which 'zeroshot' is not"));
}

TEST(CraftedModel, WhoseTreesShareNodesIsRefused) {
  const TensorArchive archive = saved("forest", {{"n_estimators", "2"}});
  TensorArchive crafted = copy_of(archive, "classifier.roots");
  crafted.put("classifier.roots", std::vector<std::int64_t>{0, 0});
  EXPECT_THAT(refusal_of(crafted), HasSubstr("the trees are invalid"));
}

/// 201 labels, but one support vector: the pairs' weight vectors would take 20,100 times its memory.
TEST(CraftedModel, OfALinearSvmTakesNoMoreMemoryThanItsFile) {
  constexpr std::size_t kLabels = 201, kPairs = kLabels * (kLabels - 1) / 2, kWide = 100'000;
  TensorArchive crafted("crafted.gwm");
  const auto numbers = [](std::size_t count) {
    std::vector<std::int64_t> all(count);
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return all;
  };
  crafted.put("present_labels", numbers(kLabels));
  crafted.put("sizes", std::vector<std::int64_t>{kLabels, kWide});
  crafted.put("support_vectors", Matrix(1, kWide, std::vector<float>(kWide, 1)));
  crafted.put("dual_coefficients", Matrix(1, kPairs, std::vector<float>(kPairs, 0.5F)));
  crafted.put("rho", std::vector<double>(kPairs, 1.0));
  crafted.put("sigmoid_slope", std::vector<double>(kPairs, -1.0));
  crafted.put("sigmoid_offset", std::vector<double>(kPairs, 0.0));
  crafted.put("gamma", std::vector<double>{1});
  crafted.put("centre", std::vector<float>{});
  auto loaded = make_classifier("svm", {{"kernel", "linear"}, {"probability", "false"}}, 1);
  loaded->load(crafted, "");
  const auto predicted = loaded->predict(Matrix(2, kWide, [] {
    std::vector<float> values(2 * kWide, 0.0F);
    values[kWide] = 4;
    return values;
  }()));
  EXPECT_EQ(predicted, (std::vector<int>{static_cast<int>(kLabels) - 1, 0}));
}

TEST(ModelFile, ReplacesWhatAKilledRunLeftOfIt) {
  const TemporaryFolder folder;
  write_file(folder / ".m.gwm.123.tmp", "half");
  save_model(parse_model(copy_of(saved("gnb")).serialise_sealed(), "m"), folder / "m.gwm");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"m.gwm"});
}

TEST(ModelFile, AboveFourGibibytesIsRefusedBeforeItIsRead) {
  const TemporaryFolder folder;
  write_file(folder / "m.gwm", "");
  std::filesystem::resize_file(folder / "m.gwm", (std::uintmax_t{4} << 30) + 1);  // a hole: takes no space
  EXPECT_THAT(error_message([&] { load_model(folder / "m.gwm"); }), HasSubstr("at most 4 GiB"));
}

}  // namespace
}  // namespace genrewise
