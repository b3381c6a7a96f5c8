// The list of dataset kinds. A new one is one line here, and one file that defines the function of that name, which
// returns its descriptor. Private to this module.
#pragma once

#include "genrewise/dataset/dataset.hpp"

/// In the order in which open_dataset() tries them.
#define GENREWISE_DATASET_KINDS(ENTRY) \
  ENTRY(fma_dataset)                   \
  ENTRY(csv_dataset)                   \
  ENTRY(playlist_dataset)              \
  ENTRY(folder_dataset)

namespace genrewise {

#define GENREWISE_DECLARE(name) DatasetKindDescriptor name();
GENREWISE_DATASET_KINDS(GENREWISE_DECLARE)
#undef GENREWISE_DECLARE

}  // namespace genrewise
