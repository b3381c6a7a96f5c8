#include "genrewise/models/neural/neural.hpp"

#include "genrewise/models/neural/training/network_learner.hpp"
#include "genrewise/pretrained/embeddings/embeddings.hpp"
#include "genrewise/pretrained/embeddings/mel128.hpp"

namespace genrewise {

void register_neural() {
  neural::register_networks();
  register_feature_set("mel128", neural::make_mel128);
  register_embeddings();
}

}  // namespace genrewise
