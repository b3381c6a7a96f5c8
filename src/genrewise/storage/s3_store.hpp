// Amazon S3 and compatible stores: Google Cloud Storage's XML API, MinIO, Ceph, Garage and others.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/s3_settings.hpp"

namespace genrewise {

class S3Client;
class TransferThreads;

std::shared_ptr<FileStore> make_s3_store(S3Settings settings);

/// Makes a writer that holds at most five parts in memory. The client and the threads must outlive it; it keeps
/// `owner`, which has both.
std::unique_ptr<FileWriter> make_s3_writer(S3Client& client, TransferThreads& threads, std::shared_ptr<FileStore> owner,
                                           ObjectName name, WriteOptions options);

/// An ETag without its quotes; empty for a weak one ("W/..."), which does not identify a version.
std::string plain_version(std::string_view etag);

}  // namespace genrewise
