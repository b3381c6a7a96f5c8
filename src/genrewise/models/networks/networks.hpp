// The list of networks. A new one is one line here and one file models/neural/networks/NAME.cpp, which is compiled twice:
// its descriptor into the plain library, its code (GENREWISE_LIBTORCH) into genrewise-neural. NAME is the kind that
// users write.
#pragma once

#include "genrewise/models/classifier.hpp"

/// In listing order.
#define GENREWISE_NETWORKS(ENTRY) \
  ENTRY(cnn1d)                    \
  ENTRY(cnn1d_strided)            \
  ENTRY(dense)                    \
  ENTRY(mobilenetv2)              \
  ENTRY(efficientat)

namespace genrewise::networks {

#define GENREWISE_DECLARE(name) const ClassifierDescriptor& name();
GENREWISE_NETWORKS(GENREWISE_DECLARE)
#undef GENREWISE_DECLARE

}  // namespace genrewise::networks
