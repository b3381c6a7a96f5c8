#include "genrewise/models/neural/neural.hpp"

#include "genrewise/features/feature_set.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/neural/training/network_learner.hpp"

namespace genrewise {

void register_neural() {
  neural::register_networks();
}

}  // namespace genrewise
