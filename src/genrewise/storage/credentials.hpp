// Where credentials of object stores come from, for diagnosis.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/storage/files.hpp"

namespace genrewise {

/// "the environment", "profile x in ~/.aws/credentials", for the scheme "s3" or "gs"; never their values. Those that
/// expire are fetched once. Throws Error, with what to set, where there are none.
std::string credentials_origin(std::string_view scheme, const StoreOptions& options);

/// No core dump of this process from now on (the soft limit), because it holds secrets. Called where the settings
/// of a store are found.
void forbid_core_dumps();

}  // namespace genrewise
