// A store on a test server, and helpers for its tests.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/s3_store.hpp"
#include "support/s3_server.hpp"

namespace genrewise::testing {

inline std::string bytes_of(std::size_t count) {
  std::string bytes(count, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

inline std::string read_all(FileReader& reader, std::size_t piece) {
  std::string bytes;
  std::vector<std::byte> buffer(piece);
  while (const std::size_t got = reader.read_at(bytes.size(), buffer)) {
    bytes.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
  return bytes;
}

inline std::string range_of(const S3Request& request) {
  const auto range = request.headers.find("range");
  return range == request.headers.end() ? "whole" : range->second;
}

class S3StoreTest : public ::testing::Test {
 protected:
  ~S3StoreTest() override { clear_interrupt(); }

  std::shared_ptr<FileStore> store() { return make_s3_store(server_.settings()); }
  std::string read(const std::string& key, std::size_t piece = 70'000) {
    const auto from = store();
    const auto found = from->find("s3://music/" + key);
    if (!found) throw Error("is not there", key);
    return read_all(*from->open(*found), piece);
  }
  void write(const std::string& key, std::string_view bytes, std::size_t piece = 33'333) {
    const auto writer = store()->create("s3://music/" + key);
    for (std::size_t at = 0; at < bytes.size(); at += piece) writer->write(bytes.substr(at, piece));
    writer->commit();
  }
  std::vector<std::string> list(const std::string& prefix, bool deep = true) {
    std::vector<std::string> locations;
    store()->list(prefix, deep, [&](const FileInfo& object) { locations.push_back(object.location); });
    return locations;
  }
  /// Changes the responses to the next `times` requests of this method.
  void fail(const std::string& method, int times, const std::function<void(S3Response&)>& how) {
    server_.tamper = [=, left = times](const S3Request& request, S3Response& response) mutable {
      if (request.method == method && left-- > 0) how(response);
    };
  }

  S3Server server_;
};

}  // namespace genrewise::testing
