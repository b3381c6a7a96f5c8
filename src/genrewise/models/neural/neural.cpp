#include "genrewise/models/neural/neural.hpp"

#include "genrewise/features/feature_set.hpp"
#include "genrewise/models/classifier.hpp"

namespace genrewise {

void register_neural() {}

}  // namespace genrewise
