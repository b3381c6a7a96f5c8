// Classical classifiers, for genrewise.sklearn.
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <tuple>
#include <vector>

#include "bindings.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise::python {
namespace {

namespace nb = nanobind;

using Labels = nb::ndarray<const int, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

/// The rows themselves, which the caller holds during a call.
const Matrix matrix_of(const Rows& rows) {
  return Matrix::borrow(rows.data(), rows.shape(0), rows.shape(1));
}

/// A classifier with what makes another one like it.
class BoundClassifier {
 public:
  using Texts = std::map<std::string, std::string>;
  using State = std::tuple<std::string, Texts, std::uint64_t, nb::bytes>;

  BoundClassifier(std::string kind, Texts parameters, std::uint64_t seed)
      : kind_(std::move(kind)),
        parameters_(std::move(parameters)),
        seed_(seed),
        classifier_(make_classifier(kind_, {parameters_.begin(), parameters_.end()}, seed_)) {}

  void fit(const Rows& rows, const Labels& labels, int label_count, const std::vector<double>& label_weights,
           int threads) {
    run(
        [&](Runtime&) {
          classifier_->fit({.examples = matrix_of(rows),
                            .labels = {labels.data(), labels.size()},
                            .label_count = label_count,
                            .label_weights = label_weights});
        },
        nb::none(), threads);
  }

  Array<int> predict(const Rows& rows, int threads) const {
    std::vector<int> labels;
    run([&](Runtime&) { labels = classifier_->predict(matrix_of(rows)); }, nb::none(), threads);
    const std::size_t count = labels.size();
    return as_array(std::move(labels), {count});
  }
  Array<float> probabilities(const Rows& rows, int threads) const {
    Matrix result;
    run([&](Runtime&) { result = classifier_->predict_probabilities(matrix_of(rows)); }, nb::none(), threads);
    return as_array(std::move(result));
  }
  Array<float> scores(const Rows& rows, int threads) const {
    Matrix result;
    run([&](Runtime&) { result = classifier_->scores(matrix_of(rows)); }, nb::none(), threads);
    return as_array(std::move(result));
  }
  std::vector<long long> iterations() const {
    return {classifier_->iterations().begin(), classifier_->iterations().end()};
  }

  /// A part of the fitted state that is stored in double.
  Array<double> values(const std::string& name) const {
    const TensorArchive archive = saved();
    const Tensor& tensor = archive.tensor(name);
    auto* copy = new std::vector<double>(archive.doubles(name, archive.count(name)));
    const nb::capsule owner(copy, [](void* memory) noexcept { delete static_cast<std::vector<double>*>(memory); });
    return {copy->data(), tensor.shape.size(), tensor.shape.data(), owner};
  }

  State state() const {
    const std::string bytes = saved().serialise();
    return {kind_, parameters_, seed_, nb::bytes(bytes.data(), bytes.size())};
  }
  static void restore(BoundClassifier& place, const State& state) {
    const auto& [kind, parameters, seed, bytes] = state;
    new (&place) BoundClassifier(kind, parameters, seed);
    const TensorArchive archive = TensorArchive::parse({bytes.c_str(), bytes.size()}, "pickled classifier");
    place.classifier_->load(archive, "");
  }

 private:
  TensorArchive saved() const {
    TensorArchive archive;
    classifier_->save(archive, "");
    return archive;
  }

  std::string kind_;
  Texts parameters_;
  std::uint64_t seed_;
  std::unique_ptr<Classifier> classifier_;
};

nb::dict description(const ParameterDescriptor& parameter) {
  nb::dict result;
  result["name"] = parameter.name;
  result["type"] = std::string(to_string(parameter.type));
  result["default"] = parameter.standard;
  result["help"] = parameter.help;
  result["allowed"] = allowed_text(parameter);
  result["words"] = parameter.words;
  return result;
}

nb::dict description(const std::string& kind) {
  const ClassifierDescriptor& descriptor = classifier_descriptor(kind);
  nb::dict result;
  result["title"] = descriptor.title;
  result["summary"] = descriptor.summary;
  result["scores"] = descriptor.capabilities.scores;
  nb::list parameters;
  for (const ParameterDescriptor& one : descriptor.parameters) parameters.append(description(one));
  result["parameters"] = parameters;
  return result;
}

}  // namespace

void bind_classifiers(nb::module_& module) {
  module.def("describe_classifier", nb::overload_cast<const std::string&>(&description), nb::arg("kind"));
  nb::class_<BoundClassifier>(module, "Classifier")
      .def(nb::init<std::string, BoundClassifier::Texts, std::uint64_t>(), nb::arg("kind"), nb::arg("parameters"),
           nb::arg("seed"))
      .def("fit", &BoundClassifier::fit, nb::arg("rows"), nb::arg("labels"), nb::arg("label_count"),
           nb::arg("label_weights"), nb::arg("threads"))
      .def("predict", &BoundClassifier::predict, nb::arg("rows"), nb::arg("threads"))
      .def("probabilities", &BoundClassifier::probabilities, nb::arg("rows"), nb::arg("threads"))
      .def("scores", &BoundClassifier::scores, nb::arg("rows"), nb::arg("threads"))
      .def("iterations", &BoundClassifier::iterations)
      .def("values", &BoundClassifier::values, nb::arg("name"))
      .def("__getstate__", &BoundClassifier::state)
      .def("__setstate__", &BoundClassifier::restore);
}

}  // namespace genrewise::python
