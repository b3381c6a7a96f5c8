// Descriptors of every classifier are complete and consistent. A new classifier is covered by being listed.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

#include "classifier_support.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/models/batch_source.hpp"
#include "genrewise/models/listing.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/models/point.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "support/golden.hpp"

namespace genrewise {
namespace {

using testing::Clusters;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_clusters;
using ::testing::Not;

class EveryClassifier : public ::testing::TestWithParam<std::string> {
 protected:
  const ClassifierDescriptor& descriptor() const { return classifier_descriptor(GetParam()); }
};

std::vector<std::string> kinds_without(bool ClassifierCapabilities::*capability) {
  std::vector<std::string> kinds = classifier_kinds();
  std::erase_if(kinds, [&](const std::string& kind) { return classifier_descriptor(kind).capabilities.*capability; });
  return kinds;
}
std::string name_of(const ::testing::TestParamInfo<std::string>& info) {
  return info.param;
}
/// Those that this program trains; tests/neural has the same test of the others.
class EveryTrainedHere : public EveryClassifier {};
class EveryOneWithoutBatches : public EveryClassifier {};

INSTANTIATE_TEST_SUITE_P(Kinds, EveryClassifier, ::testing::ValuesIn(classifier_kinds()), name_of);
INSTANTIATE_TEST_SUITE_P(Kinds, EveryTrainedHere,
                         ::testing::ValuesIn(kinds_without(&ClassifierCapabilities::neural_program)), name_of);
INSTANTIATE_TEST_SUITE_P(Kinds, EveryOneWithoutBatches,
                         ::testing::ValuesIn(kinds_without(&ClassifierCapabilities::batches)), name_of);

TEST_P(EveryClassifier, HasATitleASummaryAndHelpForEachParameter) {
  EXPECT_THAT(descriptor().title, Not(IsEmpty()));
  EXPECT_THAT(descriptor().summary, Not(IsEmpty()));
  std::set<std::string> names;
  for (const ParameterDescriptor& one : descriptor().parameters) {
    EXPECT_THAT(one.help, Not(IsEmpty())) << one.name;
    EXPECT_TRUE(names.insert(one.name).second) << one.name << " is declared twice";
    EXPECT_EQ(find_parameter(preprocessing_parameters(), one.name), nullptr) << one.name << " prepares features";
  }
}

TEST_P(EveryClassifier, HasDefaultsThatAreAllowed) {
  for (const ParameterDescriptor& one : descriptor().parameters)
    EXPECT_TRUE(allows(one, one.standard)) << one.name << "=" << one.standard << "; " << allowed_text(one);
  EXPECT_EQ(make_classifier(GetParam(), {}, 1)->parameters().size(), descriptor().parameters.size());
}

TEST_P(EveryClassifier, HasCandidatesSearchSpacesAndPresetsThatAreAllowed) {
  const auto check = [&](const std::string& axis) {
    ModelSpec spec = parse_model(GetParam());
    spec.grid.clear();
    EXPECT_NO_THROW(add_axis(spec, axis)) << axis;
  };
  for (const ParameterDescriptor& one : descriptor().parameters)
    if (!one.candidates.empty()) check(one.name + "=" + one.candidates);
  for (const SearchSpace& space : descriptor().searches)
    for (const std::string& axis : space.axes) check(axis);
  for (const ModelPreset& preset : descriptor().presets) {
    EXPECT_NO_THROW(parse_model(preset.name)) << preset.name;  // those of the preprocessing are allowed too
    for (const std::string& axis : preset.axes) check(axis);
  }
}

TEST_P(EveryTrainedHere, PredictsTheSameAfterItIsSavedAndLoaded) {
  const Clusters data = make_clusters(60, 4, 3, 2.0);
  Parameters parameters;
  // One value of each search space, so that not only defaults are saved.
  for (const ParameterDescriptor& one : descriptor().parameters)
    if (!one.candidates.empty()) parameters[one.name] = parse_axis(one.name + "=" + one.candidates).values.front();
  const auto fitted = make_classifier(GetParam(), parameters, 1);
  fitted->fit({data.examples, data.labels, 3});
  TensorArchive archive;
  fitted->save(archive, "classifier.");
  const auto loaded = make_classifier(GetParam(), fitted->parameters(), 2);
  loaded->load(archive, "classifier.");
  const Predictions expected = fitted->predict_with_probabilities(data.examples),
                    found = loaded->predict_with_probabilities(data.examples);
  EXPECT_EQ(found.labels, expected.labels);
  EXPECT_EQ(found.probabilities, expected.probabilities);
  EXPECT_EQ(loaded->parameters(), fitted->parameters());
}

TEST_P(EveryClassifier, RefusesAnUnknownParameterAndListsTheKnownOnes) {
  const std::string text = error_message([&] { make_classifier(GetParam(), {{"colour", "red"}}, 1); });
  EXPECT_THAT(text, HasSubstr("has no parameter 'colour'"));
  for (const ParameterDescriptor& one : descriptor().parameters) EXPECT_THAT(text, HasSubstr(one.name));
}

TEST_P(EveryClassifier, RefusesValuesOfTheWrongTypeOrOutOfRange) {
  for (const ParameterDescriptor& one : descriptor().parameters) {
    if (one.type == ParameterType::text) continue;
    const auto with = [&](const std::string& value) {
      return error_message([&] { make_classifier(GetParam(), {{one.name, value}}, 1); });
    };
    EXPECT_THAT(with("nonsense"), HasSubstr("is not allowed; give " + allowed_text(one))) << one.name;
    if (one.type == ParameterType::choice || one.type == ParameterType::boolean) continue;
    if (one.range.has_least() && one.range.least > -1e18) {
      EXPECT_THAT(with(fmt::format("{}", one.range.least - 1)), HasSubstr("is not allowed")) << one.name;
    }
    if (one.range.has_most()) {
      EXPECT_THAT(with(fmt::format("{}", one.range.most + 1)), HasSubstr("is not allowed")) << one.name;
    }
  }
}

TEST_P(EveryOneWithoutBatches, RefusesToBeFittedOnBatches) {
  EXPECT_THAT(error_message([&] { make_classifier(GetParam(), {}, 1)->fit_batches({}); }), HasSubstr("batches"));
}

TEST(Descriptors, MatchTheTableInTheDocumentation) {
  std::ifstream file(testing::golden_path("").parent_path().parent_path().parent_path() / "docs" / "models.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_THAT(page.str(), HasSubstr(classifiers_markdown())) << "put the output of genrewise models --markdown there";
}

TEST(Descriptors, AreCompleteInJson) {
  const nlohmann::json svm = to_json(classifier_descriptor("svm"));
  EXPECT_EQ(svm.at("title"), "Support vector machine");
  const nlohmann::json& c = svm.at("parameters").at(0);
  EXPECT_EQ(c.at("name"), "C");
  EXPECT_EQ(c.at("default"), "1.0");
  EXPECT_EQ(c.at("least"), 0);
  EXPECT_EQ(c.at("least_open"), true);
  EXPECT_TRUE(c.at("most").is_null());
  EXPECT_EQ(c.at("simpler"), "smaller");
}

/// Saved commands, search spaces and models rely on these; a change of one is a change for users. A new classifier or
/// parameter need not be listed (from genrewise models --json).
TEST(Descriptors, HaveTheRangesDefaultsSearchSpacesAndPresetsThatAreListed) {
  const nlohmann::json listed = testing::read_golden("models_parameters.json");
  EXPECT_GE(listed.size(), 20u);
  for (const auto& [kind, expected] : listed.items()) {
    const nlohmann::json found = to_json(classifier_descriptor(kind));
    nlohmann::json parameters, presets;
    for (const nlohmann::json& one : found.at("parameters"))
      parameters[one.at("name").get<std::string>()] = {one.at("type"), one.at("default"), one.at("allowed"),
                                                       one.at("candidates"), one.at("simpler")};
    for (const nlohmann::json& one : found.at("presets"))
      presets[one.at("name").get<std::string>()] = {one.at("axes"), one.at("in_study"), one.at("parameters")};
    for (const auto& [name, values] : expected.at("parameters").items())
      EXPECT_EQ(parameters.value(name, nlohmann::json()), values) << kind << " " << name;
    for (const auto& [name, values] : expected.at("presets").items())
      EXPECT_EQ(presets.value(name, nlohmann::json()), values) << kind << " " << name;
    EXPECT_EQ(found.at("searches"), expected.at("searches")) << kind;
    EXPECT_EQ(found.at("capabilities"), expected.at("capabilities")) << kind;
  }
}

}  // namespace
}  // namespace genrewise
