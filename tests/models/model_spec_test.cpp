// The grammar of models and their parameters.
#include "genrewise/models/model_spec.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/models/point.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;

TEST(ModelSpec, RoundTripsThroughItsCanonicalText) {
  for (const char* text :
       {"svm", "svm-rbf", "gnb", "fma-MLP2", "svm:C=10", "svm:C=0.1,1,10", "svm:kernel=poly:C=1,10",
        "svm-rbf:gamma=auto,0.1", "fma518/knn:n_neighbors=1:96:5", "knn:weights=distance:n_neighbors=1:96:5",
        "logreg:C=log:-2:2:9", "mlp:hidden_layer_sizes=(100,50)", "mlp:hidden_layer_sizes=100,(100,50),(20,20,20)",
        "tree:max_depth=2,none", "svm:pca_components=50:standardise=false",
        "voting:estimators=(svm,knn):svm.C=10:weights=(2,1)"}) {
    const ModelSpec spec = parse_model(text);
    EXPECT_EQ(parse_model(text_of(spec)), spec) << text;
    EXPECT_EQ(text_of(parse_model(text_of(spec))), text_of(spec)) << text;
    EXPECT_EQ(spec.name, text_of(spec));
  }
  EXPECT_EQ(text_of(parse_model("svm:kernel=poly:C=1,10")), "svm:kernel=poly:C=1,10");
  EXPECT_EQ(text_of(parse_model("mlp:hidden_layer_sizes=(100, 50)")), "mlp:hidden_layer_sizes=(100,50)");
  EXPECT_EQ(text_of(parse_model("mlp:hidden_layer_sizes=(100)")), "mlp:hidden_layer_sizes=100");
}

TEST(ModelSpec, StartsANewParameterOnlyWhereANameAndAnEqualsSignFollow) {
  const ModelSpec spec = parse_model("knn:n_neighbors=1:9:4:weights=uniform,distance:p=1");
  ASSERT_EQ(spec.grid.size(), 2u);
  EXPECT_THAT(spec.grid[0].values, ElementsAre("1", "5", "9"));
  EXPECT_THAT(spec.grid[1].values, ElementsAre("uniform", "distance"));
  EXPECT_EQ(spec.parameters, (Parameters{{"p", "1"}}));
}

TEST(ModelSpec, TakesAListInParenthesesAsOneValue) {
  const ModelSpec one = parse_model("mlp:hidden_layer_sizes=(100,50)");
  EXPECT_EQ(one.parameters.at("hidden_layer_sizes"), "(100,50)");
  EXPECT_TRUE(one.grid.empty());
  EXPECT_THAT(parse_model("mlp:hidden_layer_sizes=(100),(100,50)").grid[0].values, ElementsAre("100", "(100,50)"));
  EXPECT_THAT(parse_model("mlp:hidden_layer_sizes=100,50").grid[0].values, ElementsAre("100", "50"));
  const auto classifier = make_classifier("mlp", one.parameters, 1);
  EXPECT_EQ(classifier->parameters().at("hidden_layer_sizes"), "(100,50)");
}

TEST(ModelSpec, AcceptsAliasesOfParameters) {
  EXPECT_EQ(parse_model("knn:k=7").parameters, (Parameters{{"n_neighbors", "7"}}));
  EXPECT_EQ(parse_model("knn:k=7").name, "knn:n_neighbors=7");
}

TEST(ModelSpec, HasATitleForDisplayAndANameForFiles) {
  EXPECT_EQ(parse_model("mlp").title, "Multi-layer perceptron");
  EXPECT_EQ(parse_model("svm-rbf").title, "SVM, RBF kernel");
  EXPECT_EQ(parse_model("svm-rbf:C=3").title, "SVM, RBF kernel, C=3");
  EXPECT_EQ(file_name_of("fma518/svm:C=0.1,1:kernel=rbf"), "fma518-svm-C-0.1-1-kernel-rbf");
  const std::string long_name = "svm:C=" + std::string(300, '1');
  EXPECT_LE(file_name_of(long_name).size(), 120u);
  EXPECT_NE(file_name_of(long_name), file_name_of(long_name + "2"));
}

TEST(ModelSpec, ReportsWhereATextIsWrongAndWhatToWrite) {
  const auto of = [](const char* text) { return error_message([&] { parse_model(text); }); };
  EXPECT_THAT(of("svm:C"), AllOf(HasSubstr("\"svm:C\": at character 5"), HasSubstr("write NAME=VALUE")));
  EXPECT_THAT(of("svm:C="), HasSubstr("at character 7: a value is missing"));
  EXPECT_THAT(of("svm:C=1,,3"), HasSubstr("at character 9: a value is missing"));
  EXPECT_THAT(of("svm:C=1|10"), AllOf(HasSubstr("at character 8"), HasSubstr("write C=1,10")));
  EXPECT_THAT(of("svm:C=0"),
              AllOf(HasSubstr("at character 7"), HasSubstr("C = '0' is not allowed"), HasSubstr("above 0")));
  EXPECT_THAT(of("svm:C=1,x"), HasSubstr("at character 9: C = 'x' is not allowed"));
  EXPECT_THAT(of("svm:colour=1"),
              AllOf(HasSubstr("at character 5: svm has no parameter 'colour'"), HasSubstr("kernel")));
  EXPECT_THAT(of("svm:C=1:C=2"), HasSubstr("at character 9: C is given twice"));
  EXPECT_THAT(of("svm:kernel=linear:poly"), HasSubstr("\"linear\" is not a number"));
  EXPECT_THAT(of("svm:C=1:2:3:4:5"), HasSubstr("too many colons"));
  EXPECT_THAT(of("mlp:hidden_layer_sizes=(100,50"), HasSubstr("at character 24: \"(\" is not closed"));
  EXPECT_THAT(of("mlp:hidden_layer_sizes=100)"), HasSubstr("\")\" closes nothing"));
  EXPECT_THAT(of("mlp:hidden_layer_sizes=(100)50"), HasSubstr("text after the parentheses"));
  EXPECT_THAT(of("mlp:hidden_layer_sizes=1(00)"), HasSubstr("a parenthesis within a value"));
  EXPECT_THAT(of("gnb:features=mfcc"), HasSubstr("fma518/svm"));
  EXPECT_THAT(of("zeroshot"), HasSubstr("there is no model \"zeroshot\"")) << "it is not trained";
  EXPECT_THAT(of("oracle"), AllOf(HasSubstr("there is no model \"oracle\""), HasSubstr("svm-rbf")));
}

TEST(ModelSpec, WithSingleValuesKeepsThePresetsSearchSpaceAtItsDefaults) {
  const ModelSpec spec = parse_model("svm-rbf", Values::single);
  EXPECT_EQ(spec.parameters, (Parameters{{"kernel", "rbf"}}));
  EXPECT_TRUE(spec.grid.empty());
  EXPECT_THAT(error_message([] { parse_model("svm:C=1,10", Values::single); }), HasSubstr("several candidates"));
  ModelSpec own = parse_model("mlp", Values::single);
  EXPECT_THAT(error_message([&] { add_parameter(own, "hidden_layer_sizes=100,50"); }),
              HasSubstr("hidden_layer_sizes=(100,50)"));
  add_parameter(own, "hidden_layer_sizes=(100,50)");
  EXPECT_EQ(own.name, "mlp:hidden_layer_sizes=(100,50)");
  EXPECT_THAT(error_message([&] { add_parameter(own, "hidden_layer_sizes=3"); }), HasSubstr("given twice"));
}

TEST(ModelSpec, ReplacesThePresetsSearchSpaceByGivenValues) {
  ModelSpec spec = parse_model("svm-rbf");
  ASSERT_EQ(spec.grid.size(), 1u);
  EXPECT_TRUE(spec.grid[0].by_default);
  add_axis(spec, "C=5");
  ASSERT_EQ(spec.grid.size(), 1u);
  EXPECT_FALSE(spec.grid[0].by_default);
  EXPECT_THAT(spec.grid[0].values, ElementsAre("5"));
  EXPECT_EQ(parse_model("svm-rbf:kernel=poly").parameters.at("kernel"), "poly");
}

TEST(ModelSpecs, AreSplitAtCommasThatStartAModel) {
  const auto names = [](const std::vector<std::string>& texts) {
    std::vector<std::string> all;
    for (const ModelSpec& spec : parse_models(texts)) all.push_back(spec.name);
    return all;
  };
  EXPECT_THAT(names({"gnb,knn", "svm-rbf"}), ElementsAre("gnb", "knn", "svm-rbf"));
  EXPECT_THAT(names({"svm:C=1,10,knn"}), ElementsAre("svm:C=1,10", "knn"));
  EXPECT_THAT(names({"svm:C=1,10,fma518/knn:n_neighbors=1:9:4,gnb"}),
              ElementsAre("svm:C=1,10", "fma518/knn:n_neighbors=1:9:4", "gnb"));
  EXPECT_THAT(names({"voting:estimators=(svm,knn),gnb"}), ElementsAre("voting:estimators=(svm,knn)", "gnb"));
  EXPECT_THAT(names({"voting:estimators=(svm,knn),(gnb,knn)"}), ElementsAre("voting:estimators=(svm,knn),(gnb,knn)"));
  EXPECT_THAT(error_message([&] { names({"gnb,oracle"}); }), HasSubstr("there is no model \"oracle\""));
}

TEST(Complexity, FollowsTheParametersDescriptors) {
  const std::vector<GridAxis> c = {{"C", {"10", "0.1"}}}, k = {{"n_neighbors", {"1", "9"}}},
                              kernels = {{"kernel", {"rbf", "linear"}}}, pca = {{"pca_components", {"0", "5"}}};
  EXPECT_LT(complexity("svm", {{"C", "0.1"}}, c), complexity("svm", {{"C", "10"}}, c));
  EXPECT_LT(complexity("knn", {{"n_neighbors", "9"}}, k), complexity("knn", {{"n_neighbors", "1"}}, k));
  EXPECT_LT(complexity("svm", {{"kernel", "rbf"}}, kernels), complexity("svm", {{"kernel", "linear"}}, kernels));
  EXPECT_LT(complexity("svm", {{"pca_components", "5"}}, pca), complexity("svm", {{"pca_components", "0"}}, pca));
}

TEST(GridPoints, AreAllCombinationsWithTheFixedParameters) {
  const auto points = grid_points({{"kernel", "rbf"}}, {{"C", {"1", "10"}}, {"gamma", {"scale", "auto"}}});
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[1], (Parameters{{"kernel", "rbf"}, {"C", "1"}, {"gamma", "auto"}}));
  EXPECT_EQ(points[2], (Parameters{{"kernel", "rbf"}, {"C", "10"}, {"gamma", "scale"}}));
  EXPECT_EQ(grid_points({}, {}).size(), 1u);
}

TEST(ParseModel, AcceptsDefaultNamesAndKindsWithParameters) {
  EXPECT_EQ(parse_model("gnb").title, "Gaussian naive Bayes");
  const ModelSpec spec = parse_model("knn:n_neighbors=3,7:weights=distance");
  EXPECT_EQ(spec.kind, "knn");
  EXPECT_EQ(spec.parameters, (Parameters{{"weights", "distance"}}));
  ASSERT_EQ(spec.grid.size(), 1u);
  EXPECT_EQ(spec.grid[0].values, (std::vector<std::string>{"3", "7"}));
  EXPECT_EQ(file_name_of(spec.name).find_first_of(":|=/"), std::string::npos) << spec.name << " becomes a file name";
}

TEST(ParseModel, RefusesUnknownNamesAndListsTheAvailableOnes) {
  for (const char* wrong : {"", "svn", "knn:n_neighbors", "knn:=3", "knn:n_neighbors=0", "knn:neighbours=3"}) {
    EXPECT_THROW(parse_model(wrong), Error) << wrong;
  }
  EXPECT_THAT(error_message([&] { parse_model("svn"); }), HasSubstr("svm-rbf"));
}

TEST(ParseModel, ReadsTheFeaturesBeforeTheModel) {
  const ModelSpec spec = parse_model("raw10k/svm-rbf:C=1,3:pca_components=2");
  EXPECT_EQ(spec.features, "raw10k");
  EXPECT_EQ(spec.kind, "svm");
  EXPECT_EQ(spec.parameters, (Parameters{{"kernel", "rbf"}, {"pca_components", "2"}}));
  ASSERT_EQ(spec.grid.size(), 1u);  // replaces the list's own C
  EXPECT_EQ(spec.grid[0].values, (std::vector<std::string>{"1", "3"}));
  EXPECT_EQ(parse_model("raw10k/gnb").title, "Gaussian naive Bayes");
  EXPECT_EQ(parse_model("raw10k/gnb").name, "raw10k/gnb");
  EXPECT_EQ(file_name_of("raw10k/gnb"), "raw10k-gnb");
  for (const char* wrong : {"/gnb", "raw10k/", "raw10k/svn", "gnb:features=mfcc", "gnb:standardise=perhaps"}) {
    EXPECT_THROW(parse_model(wrong), Error) << wrong;
  }
}

TEST(ParseModels, IgnoresDuplicatesAndRefusesConflictingNames) {
  EXPECT_EQ(parse_models({"gnb", "knn", "gnb"}).size(), 2u);
  EXPECT_THROW(parse_models({"svm:C=1", "svm:C:1"}), Error);
  EXPECT_THROW(parse_models({"a/gnb:var_smoothing=1e-9", "a-gnb/gnb", "a/gnb:var_smoothing=1e+9"}), Error);
}

TEST(ParseModels, AcceptsTheClassifiersOfFmasPublishedBaselines) {
  const auto models = parse_models({"fma-baselines"});
  ASSERT_EQ(models.size(), 13u);
  EXPECT_EQ(models[1].parameters.at("n_neighbors"), "200");
  for (const ModelSpec& model : models) EXPECT_TRUE(model.name.starts_with("fma-") && model.grid.empty()) << model.name;
  EXPECT_EQ(parse_models({"fma518/fma-baselines"})[1].features, "fma518");
}

TEST(Point, SeparatesPreprocessingFromClassifierParameters) {
  const Point point({{"C", "1"}, {"standardise", "false"}, {"pca_components", "3"}});
  EXPECT_EQ(point.classifier, (Parameters{{"C", "1"}}));
  EXPECT_EQ(point.preprocessing, (Parameters{{"standardise", "false"}, {"pca_components", "3"}}));
  EXPECT_FALSE(preprocessing_of(point, {}).standardise);
  EXPECT_EQ(preprocessing_of(point, {}).pca_components, 3u);
  for (const ClassifierDescriptor* one : classifier_descriptors()) {
    for (const ParameterDescriptor& parameter : preprocessing_parameters()) {
      EXPECT_EQ(find_parameter(one->parameters, parameter.name), nullptr) << one->kind << ", " << parameter.name;
    }
  }
}

TEST(ParseAxis, ParsesRangesPowersAndLists) {
  EXPECT_EQ(parse_axis("n_neighbors=1:96:5").values.size(), 20u);
  EXPECT_EQ(parse_axis("n_neighbors=1:96:5").values.back(), "96");
  EXPECT_THAT(parse_axis("k=3:5").values, ElementsAre("3", "4", "5"));
  EXPECT_EQ(parse_axis("k=3:5").parameter, "n_neighbors");
  EXPECT_THAT(parse_axis("C=log:-1:1:3").values, ElementsAre("0.1", "1", "10"));
  EXPECT_THAT(parse_axis("C=0.1:0.3:0.1").values, ElementsAre("0.1", "0.2", "0.3"));
  EXPECT_THAT(parse_axis("C=log:-320:-310:3").values, ElementsAre(_, _, "1e-310"));
  EXPECT_THAT(parse_axis("gamma=scale,0.5").values, ElementsAre("scale", "0.5"));
}

TEST(ParseAxis, RefusesEndlessRangesAndInvalidNumbers) {
  for (const char* wrong : {"k", "k=", "k=1:2:0", "k=5:1:1", "k=1:2:-1", "k=a:b", "k=1:2:3:4", "C=log:1:2:1",
                            "C=log:1:2:2.5", "k=1,,3", "k=1:inf:2", "k=1:1e9:1", "=3"}) {
    EXPECT_THROW(parse_axis(wrong), Error) << wrong;
  }
}

TEST(ParseModel, ReportsAMissingNameBeforeOrBehindTheSlash) {
  EXPECT_THAT(error_message([] { parse_model("/gnb"); }), HasSubstr("no features are named before the /"));
  EXPECT_THAT(error_message([] { parse_model("raw10k/"); }), HasSubstr("no model is named"));
  EXPECT_THAT(error_message([] { parse_model(":C=1"); }), HasSubstr("no model is named"));
  EXPECT_THAT(error_message([] { parse_model("gnb:features=mfcc"); }), HasSubstr("fitted on a whole table"));
  EXPECT_THAT(error_message([] { parse_model("svm:C=1,2", Values::single); }), HasSubstr("several candidates"));
  EXPECT_THAT(error_message([] { parse_model("svm:C=1:C=2"); }), HasSubstr("C is given twice"));
  EXPECT_THAT(error_message([] { parse_model("svm:C=1,2:C=2"); }), HasSubstr("C is given twice"));
}

TEST(DefaultModels, AreThoseOfTheStudy) {
  std::vector<std::string> names;
  for (const ModelSpec& model : default_models()) names.push_back(model.name);
  EXPECT_THAT(names, AllOf(::testing::Contains("svm-rbf"), ::testing::Not(::testing::Contains("fma-MLP2"))));
}

TEST(Point, KeepsThePreprocessingThatItDoesNotName) {
  const PreprocessingConfig base{.standardise = false, .pca_components = 7, .pca_whiten = true};
  const PreprocessingConfig same = preprocessing_of(Point(Parameters{{"C", "1"}}), base);
  EXPECT_FALSE(same.standardise);
  EXPECT_EQ(same.pca_components, 7u);
  EXPECT_TRUE(same.pca_whiten);
  const PreprocessingConfig changed = preprocessing_of(
      Point({{"standardise", "true"}, {"pca_components", "3"}, {"pca_variance", "0.5"}, {"pca_whiten", "false"}}),
      base);
  EXPECT_TRUE(changed.standardise);
  EXPECT_EQ(changed.pca_components, 3u);
  EXPECT_EQ(changed.pca_variance, 0.5);
  EXPECT_FALSE(changed.pca_whiten);
  for (const Parameters& wrong :
       {Parameters{{"pca_components", "-1"}}, {{"pca_variance", "0"}}, {{"pca_variance", "1"}}})
    EXPECT_THROW(preprocessing_of(Point(wrong), {}), Error);
  EXPECT_EQ(features_of(Point(Parameters{{"C", "1"}})), "all");
  EXPECT_EQ(features_of(Point(Parameters{{"features", "mfcc+zcr"}})), "mfcc+zcr");
}

TEST(NamesOfFiles, KeepLettersDigitsAndPointsOnly) {
  EXPECT_EQ(file_name_of("aZ09.b:C=1,(2)_x"), "aZ09.b-C-1--2--x");
}

}  // namespace
}  // namespace genrewise
