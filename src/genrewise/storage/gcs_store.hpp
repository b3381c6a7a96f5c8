// Google Cloud Storage by its JSON API: https://cloud.google.com/storage/docs/json_api/v1
#pragma once

#include <memory>

#include "genrewise/storage/object_store.hpp"

namespace genrewise {

std::shared_ptr<FileStore> make_gcs_store(StoreSettings settings);

}  // namespace genrewise
