#include "genrewise/models/neural/neural.hpp"

#include "genrewise/models/neural/embeddings/embeddings.hpp"
#include "genrewise/models/neural/networks/mel128.hpp"
#include "genrewise/models/neural/training/network_learner.hpp"
#include "genrewise/models/neural/zero_shot.hpp"

namespace genrewise {

void register_neural() {
  neural::register_networks();
  register_feature_set("mel128", neural::make_mel128);
  register_embeddings();
  register_zero_shot();
}

}  // namespace genrewise
