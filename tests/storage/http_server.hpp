// A small HTTP server on the loopback interface that can simulate failures.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace genrewise::testing {

struct HttpRequest {
  std::string path;
  std::map<std::string, std::string> headers;  ///< names in lower case
};

struct HttpResponse {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string body;
  std::size_t cut_after = std::string::npos;  ///< closes the connection after this many bytes of the body
};

/// Serves one connection after another, one request each, until it is destroyed.
class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("cannot listen on the loopback interface");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    stop_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  std::vector<HttpRequest> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (!stop_) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) continue;
      respond(connection);
      ::shutdown(connection, SHUT_RDWR);
      ::close(connection);
    }
  }

  void respond(int connection) {
    std::string text;
    char buffer[4096];
    while (text.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    const HttpRequest request = parse(text);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    HttpResponse response = handler_(request);
    response.headers.try_emplace("Content-Length", std::to_string(response.body.size()));
    std::string reply = "HTTP/1.1 " + std::to_string(response.status) + " X\r\nConnection: close\r\n";
    for (const auto& [name, value] : response.headers) {
      if (!value.empty()) reply += name + ": " + value + "\r\n";
    }
    reply += "\r\n" + response.body.substr(0, response.cut_after);
    for (std::size_t sent = 0; sent < reply.size();) {
      const ssize_t count = ::send(connection, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }

  static HttpRequest parse(const std::string& text) {
    HttpRequest request;
    const std::size_t start = text.find(' ') + 1;
    request.path = text.substr(start, text.find(' ', start) - start);
    for (std::size_t at = text.find("\r\n") + 2; text.compare(at, 2, "\r\n") != 0;) {
      const std::size_t end = text.find("\r\n", at), colon = text.find(": ", at);
      std::string name = text.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request.headers[name] = text.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    return request;
  }

  Handler handler_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::thread thread_;
};

/// The response of a correct server for a file: all of it, or the part from the requested offset (if the tag still
/// matches).
inline HttpResponse serve_file(const HttpRequest& request, const std::string& content, const std::string& tag = "") {
  HttpResponse response{.status = 200, .headers = {{"ETag", tag}}, .body = content};
  const auto range = request.headers.find("range");
  const auto condition = request.headers.find("if-range");
  if (range == request.headers.end()) return response;
  if (condition != request.headers.end() && condition->second != tag) return response;
  const std::size_t from = std::stoul(range->second.substr(6));
  if (from >= content.size()) {
    return {.status = 416, .headers = {{"Content-Range", "bytes */" + std::to_string(content.size())}}, .body = ""};
  }
  response.status = 206;
  response.body = content.substr(from);
  response.headers["Content-Range"] =
      "bytes " + std::to_string(from) + "-" + std::to_string(content.size() - 1) + "/" + std::to_string(content.size());
  return response;
}

}  // namespace genrewise::testing
