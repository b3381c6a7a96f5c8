// Objects written whole, or in parts that become an object at the end.
#pragma once

#include <memory>

#include "genrewise/storage/files.hpp"
#include "genrewise/storage/s3_client.hpp"
#include "genrewise/storage/transfer_threads.hpp"

namespace genrewise {

/// Memory: at most five parts. The client and the threads must outlive the writer.
std::unique_ptr<FileWriter> make_s3_writer(S3Client& client, TransferThreads& threads, ObjectName name,
                                           WriteOptions options);

}  // namespace genrewise
