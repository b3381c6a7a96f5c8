#include "genrewise/models/neural/neural.hpp"

#include "genrewise/models/neural/embeddings/embeddings.hpp"
#include "genrewise/models/neural/training/network_learner.hpp"
#include "genrewise/models/neural/zero_shot.hpp"

namespace genrewise {

void register_neural() {
  register_embeddings();
  register_zero_shot();
  neural::register_networks();
  register_embeddings();
  register_zero_shot();
}

}  // namespace genrewise
