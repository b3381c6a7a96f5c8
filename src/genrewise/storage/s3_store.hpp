// Amazon S3 and compatible stores: MinIO, Ceph, Garage and others.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/store_settings.hpp"

namespace genrewise {

class ObjectClient;
class TransferThreads;

std::shared_ptr<FileStore> make_s3_store(StoreSettings settings);

/// Makes a writer that holds at most five parts in memory. The client and the threads must outlive it; it keeps
/// `owner`, which has both.
std::unique_ptr<FileWriter> make_s3_writer(ObjectClient& client, TransferThreads& threads,
                                           std::shared_ptr<FileStore> owner, ObjectName name, WriteOptions options);

}  // namespace genrewise
