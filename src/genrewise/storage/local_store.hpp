// Folders of this machine as an ObjectStore.
#pragma once

#include <memory>

#include "genrewise/storage/object_store.hpp"

namespace genrewise {

std::shared_ptr<ObjectStore> make_local_store();

}  // namespace genrewise
