// Amazon S3 and compatible stores: MinIO, Ceph, Garage and others.
#pragma once

#include <memory>
#include <string>

#include "genrewise/storage/object_client.hpp"

namespace genrewise {

class S3Client final : public ObjectClient {
 public:
  using ObjectClient::ObjectClient;
  /// First repeats the request if the response had no body.
  [[noreturn]] void throw_error(const ObjectName& name, const HttpResponse& response) override;
  bool is_transient(const HttpResponse& response) const override;
  ObjectCall read_call(const StoredObject& object) const override;
  std::string version_in(const HttpResponse& response) const override;

 protected:
  HttpCall to_http(const ObjectCall& call, const Credentials& who) const override;
  Refusal refusal_in(const ObjectName& name, const HttpResponse& response) const override;
};

/// The code in the error document of a response; empty if there is none.
std::string error_code(const HttpResponse& response);
/// An ETag without its quotes; empty for a weak one ("W/..."), which does not identify a version.
std::string plain_version(std::string_view etag);

class TransferThreads;

std::shared_ptr<FileStore> make_s3_store(StoreSettings settings);

/// Makes a writer that holds at most five parts in memory. The client and the threads must outlive it; it keeps
/// `owner`, which has both.
std::unique_ptr<FileWriter> make_s3_writer(ObjectClient& client, TransferThreads& threads,
                                           std::shared_ptr<FileStore> owner, ObjectName name, WriteOptions options);

}  // namespace genrewise
