// Writes objects, with one PUT or a multipart upload.
#pragma once

#include <memory>

#include "genrewise/storage/files.hpp"
#include "genrewise/storage/s3_client.hpp"
#include "genrewise/storage/transfer_threads.hpp"

namespace genrewise {

/// Makes a writer that holds at most five parts in memory. The client and the threads must outlive it.
std::unique_ptr<FileWriter> make_s3_writer(S3Client& client, TransferThreads& threads, ObjectName name,
                                           WriteOptions options);

}  // namespace genrewise
