// Where credentials of object stores come from, for diagnosis.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/storage/files.hpp"

namespace genrewise {

/// "the environment", "profile x in ~/.aws/credentials", for the scheme "s3" or "gs"; never their values. Those that
/// expire are fetched once. Throws Error, with what to set, where there are none.
std::string credentials_origin(std::string_view scheme, const StoreOptions& options);

}  // namespace genrewise
