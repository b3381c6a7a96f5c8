#include "genrewise/models/classifier.hpp"

#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/models/networks/networks.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
std::string_view Classifier::kind() const {
  return descriptor().kind;
}

void Classifier::fit_batches(const BatchSource& /*source*/, const FitContext& /*context*/) {
  throw Error("cannot be fitted on batches", std::string(kind()), "fit it on a table of all examples");
}

Matrix Classifier::scores(const Matrix& /*examples*/) const {
  throw Error("has no scores", std::string(kind()), "use its probabilities");
}

std::vector<const ClassifierDescriptor*> classifier_descriptors() {
#define GENREWISE_ADDRESS(name) &name(),
  std::vector<const ClassifierDescriptor*> all = {GENREWISE_CLASSIFIERS(GENREWISE_ADDRESS)};
#undef GENREWISE_ADDRESS
#define GENREWISE_ADDRESS(name) &networks::name(),
  all.insert(all.end(), {GENREWISE_NETWORKS(GENREWISE_ADDRESS)});
#undef GENREWISE_ADDRESS
  return all;
}

std::vector<std::string> classifier_kinds() {
  std::vector<std::string> names;
  for (const ClassifierDescriptor* one : classifier_descriptors())
    if (one->capabilities.trainable) names.push_back(one->kind);
  return names;
}

const ClassifierDescriptor* find_classifier(std::string_view kind) {
  for (const ClassifierDescriptor* one : classifier_descriptors())
    if (one->kind == kind) return one;
  return nullptr;
}

const ClassifierDescriptor& classifier_descriptor(std::string_view kind) {
  if (const ClassifierDescriptor* found = find_classifier(kind)) return *found;
  throw UnknownName(fmt::format("there is no classifier '{}'", kind), {},
                    fmt::format("choose one of {}", fmt::join(classifier_kinds(), ", ")));
}

ParameterValues check_parameters(const ClassifierDescriptor& descriptor, const Parameters& given) {
  return {descriptor.kind, descriptor.parameters, given, descriptor.capabilities.members};
}

std::unique_ptr<Classifier> make_classifier(std::string_view kind, const Parameters& parameters, std::uint64_t seed) {
  const ClassifierDescriptor& descriptor = classifier_descriptor(kind);
  return descriptor.make(check_parameters(descriptor, parameters), seed);
}

void require_state_of(const TensorArchive& archive, const std::string& prefix, std::size_t labels,
                      std::size_t columns) {
  const auto require = [&](std::int64_t found_labels, std::int64_t found_columns) {
    if (found_labels != static_cast<std::int64_t>(labels) || found_columns != static_cast<std::int64_t>(columns))
      throw Error(fmt::format("its classifier has {} labels and {} columns, not {} and {}", found_labels, found_columns,
                              labels, columns),
                  archive.name());
  };
  if (const std::string name = prefix + "sizes"; archive.contains(name)) {  // a classical classifier
    const auto sizes = archive.integers(name, 2);
    require(sizes[0], sizes[1]);
  }
  if (const std::string name = prefix + "inputs"; archive.contains(name))  // a network
    require(static_cast<std::int64_t>(archive.count(prefix + "present")), archive.integer(name));
}

}  // namespace genrewise
