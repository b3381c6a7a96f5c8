// Google Cloud Storage by its JSON API: https://cloud.google.com/storage/docs/json_api/v1
#pragma once

#include <memory>
#include <string>

#include "genrewise/storage/object_store.hpp"

namespace genrewise {

std::shared_ptr<FileStore> make_gcs_store(StoreSettings settings);

/// What the store states about an object.
struct GcsObject {
  std::uint64_t bytes = 0;
  std::string generation, md5 /* base64; composite objects have none */, updated;
};
/// Throws Error if a response does not describe one.
GcsObject object_in(const HttpResponse& response, const ObjectName& name);

/// The query of requests for the description of an object.
inline constexpr char kObjectFields[] = "name,size,generation,md5Hash,updated";

/// Makes a writer that holds one part in memory. It keeps `owner`, which has the client.
std::unique_ptr<FileWriter> make_gcs_writer(ObjectClient& client, std::shared_ptr<FileStore> owner, ObjectName name,
                                            WriteOptions options);

}  // namespace genrewise
