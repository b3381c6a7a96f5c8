// What arrives over a network: answers of object stores and web servers, requests to the server.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "genrewise/base/child_process.hpp"
#include "genrewise/storage/download.hpp"
#include "genrewise/storage/gcs_store.hpp"
#include "genrewise/storage/s3_signature.hpp"
#include "genrewise/storage/s3_store.hpp"
#include "guard.hpp"
#include "head.hpp"
#include "served_file.hpp"
#include "targets.hpp"

namespace genrewise::fuzz {
namespace {

/// Answers every request on the loopback interface with the next of given bytes, then with 404. "http://server" in them
/// stands for its address.
class RawServer {
 public:
  RawServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    require(::bind(listener_.get(), any, size) == 0 && ::listen(listener_.get(), 64) == 0 &&
            ::getsockname(listener_.get(), any, &size) == 0);
    endpoint_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    std::thread([this] { serve(); }).detach();
  }

  const std::string& endpoint() const { return endpoint_; }
  void set_answers(std::vector<InputFile> answers) {
    const std::lock_guard lock(mutex_);
    constexpr std::string_view kAddress = "http://server";
    for (InputFile& answer : answers)
      for (std::size_t at = 0; (at = answer.content.find(kAddress, at)) != std::string::npos;)
        answer.content.replace(at, kAddress.size(), endpoint_);
    answers_ = std::move(answers);
    next_ = 0;
  }

 private:
  void serve() {
    for (;;) {
      const Descriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      std::string request, answer = "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n";
      char block[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(connection.get(), block, sizeof block, 0);
        if (got <= 0) break;
        request.append(block, static_cast<std::size_t>(got));
      }
      {
        const std::lock_guard lock(mutex_);
        if (next_ < answers_.size()) answer = answers_[next_++].content;
      }
      for (std::string_view rest = answer; !rest.empty();) {
        const ssize_t sent = ::send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(sent));
      }
      ::shutdown(connection.get(), SHUT_WR);
      while (::recv(connection.get(), block, sizeof block, MSG_DONTWAIT) > 0) continue;
    }
  }

  Descriptor listener_;
  std::string endpoint_;
  std::mutex mutex_;
  std::vector<InputFile> answers_;
  std::size_t next_ = 0;
};

RawServer& server() {
  static auto* const kept = new RawServer;  // its thread runs until the end of the process
  return *kept;
}

constexpr char kSecret[] = "wJ9rXq27";

// The input's files are the answers of a store.
void object_store(const std::shared_ptr<FileStore>& store, const std::string& folder, std::string_view input) {
  const auto answers = parse_files(input);
  const auto with_answers = [&](const auto& action) {
    server().set_answers(answers);
    try {
      action();
    } catch (const Error& error) {
      require(std::string_view(error.what()).find(kSecret) == std::string_view::npos);
    }
  };
  const std::string object = folder + "/a";
  with_answers([&] { store->list(object, true, [](const FileInfo& file) { require(!file.location.empty()); }); });
  with_answers([&] { store->has_folder(object); });
  with_answers([&] { store->remove_unfinished(object); });
  with_answers([&] {
    const auto writer = store->create(object);
    writer->write("content");
    writer->commit();
  });
  with_answers([&] {
    const auto writer = store->create(object);
    writer->write("several parts");
    writer->commit();
  });
  with_answers([&] {
    const auto file = store->try_open(object);
    if (!file) return;
    std::vector<std::byte> bytes(std::min<std::uint64_t>((*file)->size(), 1 << 16));
    require((*file)->read_at(0, bytes) == bytes.size());
  });
}

StoreSettings settings_of_store(Credentials credentials) {
  StoreSettings settings;
  settings.endpoint = server().endpoint();
  settings.credentials = std::make_shared<CredentialSource>(std::move(credentials), "the fuzz target");
  settings.retry = {.attempts = 1, .first_wait = {}, .longest_wait = {}, .silence = std::chrono::seconds(2)};
  settings.connections = 1;
  settings.part_bytes = 8;
  return settings;
}

void s3(std::string_view input) {
  Credentials credentials;
  credentials.access_key = "key";
  credentials.secret_key = kSecret;
  object_store(make_s3_store(settings_of_store(credentials)), "s3://bucket", input);
}

void gcs(std::string_view input) {
  Credentials credentials;
  credentials.token = kSecret;
  object_store(make_gcs_store(settings_of_store(credentials)), "gs://bucket", input);
}

// The answers of servers of credentials: of containers, instances and roles (Amazon), of tokens and impersonation
// (Google).
void credentials(std::string_view input) {
  static const auto folder =
      std::filesystem::temp_directory_path() / ("fuzz-credentials-" + std::to_string(::getpid()));
  static const auto configured = [] {
    const std::string url = server().endpoint() + "/token";
    std::filesystem::create_directory(folder);
    const auto token = put_file(folder, "token", kSecret);
    put_file(folder, "adc.json",
             nlohmann::json{{"type", "external_account"},
                            {"audience", "pool"},
                            {"subject_token_type", "jwt"},
                            {"token_url", url},
                            {"service_account_impersonation_url", url},
                            {"credential_source", {{"url", url}, {"headers", {{"Authorization", kSecret}}}}}}
                 .dump());
    for (const auto& [name, value] :
         std::map<const char*, std::string>{{"HOME", folder},
                                            {"GOOGLE_APPLICATION_CREDENTIALS", folder / "adc.json"},
                                            {"AWS_EC2_METADATA_SERVICE_ENDPOINT", server().endpoint()},
                                            {"AWS_ENDPOINT_URL_STS", server().endpoint()},
                                            {"AWS_ROLE_ARN", "arn:aws:iam::1:role/x"},
                                            {"AWS_CONTAINER_AUTHORIZATION_TOKEN", kSecret}})
      ::setenv(name, value.c_str(), 1);
    return token.string();
  }();
  const auto answers = parse_files(input);
  // The secret is in the first request, which its answer may repeat.
  const auto get = [&](const char* scheme, bool sends_secret) {
    server().set_answers(answers);
    try {
      const auto source = find_store_settings(scheme, {}).credentials;
      const Credentials found = source->get();
      require(!found.anonymous());
      sign_v4({"GET", "/", {}, {}, {}}, {found.access_key, found.secret_key, "region", "s3", "20260101T000000Z"});
    } catch (const Error& error) {
      require(!sends_secret || answers.size() > 1 ||
              std::string_view(error.what()).find(kSecret) == std::string_view::npos);
    }
  };
  get("gs", true);
  get("s3", false);  // of the instance
  ::setenv("AWS_WEB_IDENTITY_TOKEN_FILE", configured.c_str(), 1);
  get("s3", true);
  ::unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
  ::setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server().endpoint().c_str(), 1);
  get("s3", true);
  ::unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

void web_download(std::string_view input) {
  server().set_answers(parse_files(input));
  const auto target = scratch_folder() / "file";
  Progress silent;
  // The SHA-256 of "content".
  const Checksum right{HashKind::sha256, "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"};
  const bool done = succeeds([&] {
    download(
        {.url = server().endpoint() + "/file", .target = target, .checksum = right, .attempts = 1, .first_wait = {}},
        silent);
  });
  require(std::filesystem::exists(target) == done);
}

// A head and a body, up to what a handler takes from them.
void http_request(std::string_view input) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return;
  static const auto path = std::filesystem::temp_directory_path() / ("fuzz-served-" + std::to_string(::getpid()));
  static const auto file = std::make_shared<const server::ServedFile>(
      put_file(path.parent_path(), path.filename().string(), std::string(100, 'x')));
  static server::Guard guard("token", {"music.example"});
  try {
    server::Head head = server::parse_head(input.substr(0, end + 4));
    head.request.client = "127.0.0.1";
    head.request.read_body = [&](const std::function<void(std::string_view)>& take) { take(input.substr(end + 4)); };
    head.request.values = {head.request.path.substr(1)};
    const server::HttpResponse answer = server::file_response(head.request, file, "text/plain");
    require(answer.offset + answer.bytes <= file->size());
    server::if_unchanged(head.request, "tag");
    for (const auto& [name, value] : head.request.query) {
      server::without_folders(value);
      try {
        head.request.number(name, 1, 0, 10);
      } catch (const server::HttpError&) {
      }
    }
    try {
      head.request.id();
    } catch (const server::HttpError&) {
    }
    try {
      guard.check(head.request, false);
    } catch (const server::HttpError&) {
    }
    head.request.json();
  } catch (const server::HttpError& error) {
    require(error.status() >= 400 && error.status() < 600 && !server::HttpResponse::of(error).body.empty());
  }
}

const AddTargets added{{"s3", s3, true},
                       {"gcs", gcs, true},
                       {"credentials", credentials, true},
                       {"download", web_download, true},
                       {"http_request", http_request}};

}  // namespace
}  // namespace genrewise::fuzz
