// A server of a made catalogue, and a client that sends any bytes.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "genrewise/base/text.hpp"
#include "library/scan_fixture.hpp"
#include "server.hpp"

namespace genrewise::testing {

struct Answer {
  int status = 0;  ///< 0: none came
  std::map<std::string, std::string> headers;
  std::string body;
  nlohmann::json json() const { return nlohmann::json::parse(body); }
  std::string code() const { return json().at("error").at("code"); }
};

/// A connection to 127.0.0.1.
class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval most{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  /// False at the end.
  bool receive() {
    char block[65536];
    const ssize_t count = ::recv(socket_, block, sizeof block, 0);
    if (count > 0) received_.append(block, static_cast<std::size_t>(count));
    return count > 0;
  }
  std::string rest() {
    while (receive()) {
    }
    return std::move(received_);
  }
  bool is_closed() { return received_.empty() && !receive(); }
  /// The next answer; with `head` without a body.
  Answer answer(bool head = false) {
    Answer answer;
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos)
      if (!receive()) return answer;
    const auto lines = split_text(received_.substr(0, end), '\n');
    answer.status = std::atoi(lines[0].substr(9, 3).c_str());
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const std::size_t colon = lines[i].find(':');
      answer.headers[lower_case(lines[i].substr(0, colon))] = trimmed(lines[i].substr(colon + 1));
    }
    received_.erase(0, end + 4);
    if (answer.status == 100) return this->answer(head);
    const auto length = head ? 0 : static_cast<std::size_t>(std::atoll(answer.headers["content-length"].c_str()));
    while (received_.size() < length && receive()) {
    }
    answer.body = received_.substr(0, length);
    received_.erase(0, std::min(length, received_.size()));
    return answer;
  }

 private:
  int socket_;
  std::string received_;
};

class ServerTest : public ScanTest {
 protected:
  ServerTest() {
    for (int i = 0; i < 3; ++i) {
      make("clicks " + std::to_string(i) + ".wav", "clicks", i);
      make("sub/noise " + std::to_string(i) + ".wav", "noise", i);
      make("sub/tones " + std::to_string(i) + ".wav", "tones", i);
    }
    scan();
    catalogue_.reset();
    settings_.library = file_;
    settings_.model = folder_ / "m.gwm";
    settings_.port = 0;
    settings_.version = "test";
    settings_.isolation.reset();
    settings_.connections.threads = 8;
    settings_.connections.stopping_s = 1;
  }
  ~ServerTest() override { server_.reset(); }

  void start() {
    server_.emplace(settings_, runtime_);
    const std::string url = server_->start();
    port_ = std::atoi(url.substr(url.rfind(':') + 1).c_str());
  }
  static std::string with_body(const std::string& method, const std::string& path, const std::string& body,
                               const std::string& type = "application/json", const std::string& headers = "") {
    return method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nX-Genrewise: 1\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
  }
  Answer send(const std::string& text, bool head = false) {
    Client client(port_);
    client.send(text);
    return client.answer(head);
  }
  Answer get(const std::string& path, const std::string& headers = "") {
    return send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  }
  Answer post(const std::string& path, const std::string& body, const std::string& type = "application/json",
              const std::string& headers = "") {
    return send(with_body("POST", path, body, type, headers));
  }
  Answer post(const std::string& path, const nlohmann::json& body) { return post(path, body.dump()); }
  /// The job once it has ended.
  nlohmann::json ended(const Answer& started) {
    EXPECT_EQ(started.status, 202) << started.body;
    for (int i = 0; i < 1000; ++i) {
      const auto job = get("/v1/jobs/" + started.json().at("job").get<std::string>()).json();
      if (job["state"] != "queued" && job["state"] != "running") return job;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << "the job does not end";
    return {};
  }
  nlohmann::json tracks(const std::string& query = "") { return get("/v1/library/tracks" + query).json()["tracks"]; }
  std::string id_of(const std::string& name) {
    for (const auto& track : tracks())
      if (track["path"].get<std::string>().ends_with(name)) return std::to_string(track["id"].get<int>());
    return "0";
  }

  server::ServerConfig settings_;
  std::optional<server::Server> server_;
  int port_ = 0;
};

}  // namespace genrewise::testing
