// Amazon S3, and what speaks its language: Google Cloud Storage's XML interface, MinIO, Ceph, Garage and others.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/s3_settings.hpp"

namespace genrewise {

std::shared_ptr<FileStore> make_s3_store(S3Settings settings);

/// An ETag without its quotes; a weak one ("W/...") is no version and gives nothing.
std::string plain_version(std::string_view etag);

}  // namespace genrewise
