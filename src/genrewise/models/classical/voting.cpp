// Soft voting, as scikit-learn's VotingClassifier(voting="soft"): the weighted mean of the members' probabilities.
#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classifiers.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kMostMembers = 100;

/// "svm, knn" or "(svm,knn)" -> {"svm", "knn"}.
std::vector<std::string> split_list(std::string_view text) {
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  std::string plain(text);
  std::erase(plain, ' ');
  return split_text(plain, ',');
}

class Voting final : public ClassicalClassifier {
 public:
  Voting(const ParameterValues& given, std::uint64_t seed) : ClassicalClassifier(genrewise::voting(), given) {
    std::vector<std::string> kinds = split_list(read().text("estimators"));
    if (kinds.size() > kMostMembers)
      throw Error(fmt::format("has {} members, and at most {} are allowed", kinds.size(), kMostMembers), "voting");
    for (const std::string& kind : kinds) {
      Parameters own;
      for (const auto& [name, value] : read().all())
        if (name.starts_with(kind + ".")) own[name.substr(kind.size() + 1)] = value;
      if (kind == "voting") throw Error("cannot be a member of itself", "voting");
      if (!classifier_descriptor(kind).capabilities.trainable)
        throw Error("'" + kind + "' cannot be a member", "voting", "choose kinds that are trained");
      members_.push_back(make_classifier(kind, own, derive_seed(seed, fmt::format("voting {}", members_.size()))));
    }
    for (const auto& [name, value] : read().all())
      if (const auto dot = name.find('.');
          dot != std::string::npos && std::ranges::find(kinds, name.substr(0, dot)) == kinds.end())
        throw Error("'" + name + "' names no member", "voting", "its members are " + read().text("estimators"));
    read_weights();
  }

 private:
  void read_weights() {
    weights_.assign(members_.size(), 1);
    if (read().text("weights").empty()) return;
    const auto items = split_list(read().text("weights"));
    bool sound = items.size() == members_.size();
    for (std::size_t i = 0; sound && i < items.size(); ++i)
      sound = parse_number(items[i], weights_[i]) && weights_[i] > 0 && weights_[i] < 1e12;
    if (!sound)
      throw Error("weights = '" + read().text("weights") + "' is not allowed", "voting",
                  fmt::format("give {} numbers above 0, with commas between them", members_.size()));
  }

  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    const FitContext context{.work = shared_work()};
    for (const auto& member : members_) member->fit({examples, classes, class_count}, context);
  }

  void announce(SharedWork& work) const override {
    for (const auto& member : members_) member->announce(work);
  }

  Matrix probabilities(const Matrix& examples) const override {
    std::vector<double> sums(examples.rows() * static_cast<std::size_t>(class_count()));
    double total = 0;
    for (std::size_t m = 0; m < members_.size(); ++m) {
      const Matrix own = members_[m]->predict_probabilities(examples);
      if (own.cols() != static_cast<std::size_t>(class_count()))
        throw Error(
            fmt::format("its member {} is for {} labels, not {}", members_[m]->kind(), own.cols(), class_count()),
            "voting");
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += weights_[m] * own.values()[k];
      total += weights_[m];
    }
    Matrix result(examples.rows(), static_cast<std::size_t>(class_count()));
    for (std::size_t k = 0; k < sums.size(); ++k) result.values()[k] = static_cast<float>(sums[k] / total);
    return result;
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    for (std::size_t m = 0; m < members_.size(); ++m) members_[m]->save(archive, fmt::format("{}{}.", prefix, m));
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    for (std::size_t m = 0; m < members_.size(); ++m) {
      const std::string member = fmt::format("{}{}.", prefix, m);
      require_state_of(archive, member, static_cast<std::size_t>(class_count()), columns());
      members_[m]->load(archive, member);
    }
  }

  std::vector<std::unique_ptr<Classifier>> members_;
  std::vector<double> weights_;
};

}  // namespace

const ClassifierDescriptor& voting() {
  static const ClassifierDescriptor descriptor = {
      .kind = "voting",
      .title = "Soft voting",
      .summary = "the weighted mean of up to 100 other classifiers' probabilities, as scikit-learn's VotingClassifier",
      .parameters = {parameter::text("estimators", "svm,logreg,knn",
                                     "kinds of the members, as (svm,knn); their parameters are svm.C and the like"),
                     parameter::text("weights", "", "weights of the members, as (2,1); empty: equal")},
      .presets = {{"ensemble",
                   "Logistic regression and LDA, voting",
                   {{"estimators", "logreg,lda"},
                    {"weights", "2,1"},
                    {"logreg.C", "0.001"},
                    {"lda.shrinkage", "0.5"},
                    {"pca_variance", "0.99"}}}},
      .capabilities = {.members = true},
      .make = [](const ParameterValues& given, std::uint64_t seed) { return std::make_unique<Voting>(given, seed); }};
  return descriptor;
}

}  // namespace genrewise
