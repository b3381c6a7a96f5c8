// The program with the neural half.
#include "genrewise/models/neural/neural.hpp"
#include "handover.hpp"

namespace genrewise::cli {

const std::string_view kWithoutNeuralHalf;

void add_neural_half() {
  register_neural();
}

void hand_over(char**) {}

}  // namespace genrewise::cli
