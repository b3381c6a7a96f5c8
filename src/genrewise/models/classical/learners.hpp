// The makers of the classical learners; make_classifier() picks among them.
#pragma once

#include <cstdint>
#include <memory>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

std::unique_ptr<Classifier> make_gaussian_naive_bayes(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_nearest_neighbours(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_logistic_regression(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_support_vector_machine(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_linear_svm(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_perceptron(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_linear_discriminant(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_quadratic_discriminant(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_random_forest(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_decision_tree(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_adaboost(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_gradient_boosting(const Parameters& parameters, std::uint64_t seed);
std::unique_ptr<Classifier> make_voting(const Parameters& parameters, std::uint64_t seed);

}  // namespace genrewise
