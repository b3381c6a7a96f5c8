// Networks with a body that others have trained, as libtorch modules, so that they can learn on.
#pragma once

#include <string_view>

#include "genrewise/base/matrix.hpp"

namespace genrewise::neural {

/// What the pretrained body of a network ("mobilenetv2", "efficientat") makes of each example, before anything has
/// learnt on it: the mean of its last convolution over the picture. Rows as the network takes them (mel224, mel128).
Matrix pretrained_embedding(std::string_view kind, const Matrix& examples);

}  // namespace genrewise::neural
