#include "support/store_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "genrewise/storage/s3_signature.hpp"

namespace genrewise::testing {
namespace {

StoreRequest parse(const std::string& head) {
  StoreRequest request;
  const std::size_t first = head.find(' '), second = head.find(' ', first + 1);
  request.method = head.substr(0, first);
  const std::string target = head.substr(first + 1, second - first - 1);
  const std::size_t mark = std::min(target.find('?'), target.size());
  request.raw_path = target.substr(0, mark);
  for (std::size_t at = mark + 1; at < target.size();) {
    const std::size_t end = std::min(target.find('&', at), target.size()), equals = std::min(target.find('=', at), end);
    request.query[uri_decode(target.substr(at, equals - at))] =
        equals < end ? uri_decode(target.substr(equals + 1, end - equals - 1)) : "";
    at = end + 1;
  }
  for (std::size_t at = head.find("\r\n") + 2; head.compare(at, 2, "\r\n") != 0;) {
    const std::size_t end = head.find("\r\n", at), colon = head.find(':', at);
    std::string name = head.substr(at, colon - at);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::size_t value = head.find_first_not_of(' ', colon + 1);
    request.headers[name] = value < end ? head.substr(value, end - value) : "";
    at = end + 2;
  }
  const std::string path = request.raw_path.substr(1);
  const std::size_t slash = std::min(path.find('/'), path.size());
  request.bucket = path.substr(0, slash);
  if (slash < path.size()) request.key = uri_decode(path.substr(slash + 1));
  return request;
}

void send_all(int connection, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

}  // namespace

std::string value_of(const std::map<std::string, std::string>& map, const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? "" : found->second;
}

StoreServer::StoreServer() {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen on the loopback interface");
  }
  port_ = ntohs(address.sin_port);
}

std::string StoreServer::endpoint() {
  std::call_once(started_, [this] { acceptor_ = std::thread([this] { accept_all(); }); });
  return "http://127.0.0.1:" + std::to_string(port_);
}

void StoreServer::stop() {
  if (stop_.exchange(true)) return;
  ::shutdown(listener_, SHUT_RDWR);
  if (acceptor_.joinable()) acceptor_.join();  // from here on there are no new threads
  {
    const std::lock_guard lock(mutex_);
    for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  for (const int connection : connections_) ::close(connection);
  ::close(listener_);
}

void StoreServer::accept_all() {
  while (!stop_) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    const std::lock_guard lock(mutex_);
    connections_.push_back(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void StoreServer::serve(int connection) {
  std::string text;
  std::vector<char> buffer(1 << 16);
  const auto more = [&] {
    const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
  };
  for (;;) {
    std::size_t end;
    while ((end = text.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return;
    }
    StoreRequest request = parse(text.substr(0, end + 4));
    text.erase(0, end + 4);
    const std::string length = value_of(request.headers, "content-length");
    const std::size_t body_bytes = length.empty() ? 0 : std::stoul(length);
    while (text.size() < body_bytes) {
      if (!more()) return;
    }
    request.body = text.substr(0, body_bytes);
    text.erase(0, body_bytes);
    if (!respond(connection, request)) {
      ::shutdown(connection, SHUT_RDWR);
      return;
    }
  }
}

bool StoreServer::respond(int connection, const StoreRequest& request) {
  StoreResponse response;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    if (auto refused = refuse(request)) {
      response = std::move(*refused);
    } else {
      response = handle(request);
      if (tamper.get()) tamper.get()(request, response);
    }
  }
  for (int waited = 0; waited < response.wait_ms && !stop_; waited += 5) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (response.reset) return false;
  response.headers.try_emplace("Content-Length", std::to_string(response.body.size()));
  std::string reply = "HTTP/1.1 " + std::to_string(response.status) + " X\r\n";
  for (const auto& [name, value] : response.headers) {
    if (!value.empty()) reply += name + ": " + value + "\r\n";
  }
  reply += "\r\n";
  if (request.method != "HEAD") {
    reply += response.body.substr(0, response.cut_after);
    const std::lock_guard lock(mutex_);
    sent_bytes_ += response.body.size();
  }
  send_all(connection, reply);
  return response.cut_after == std::string::npos;
}

std::uint64_t StoreServer::sent_bytes() {
  const std::lock_guard lock(mutex_);
  return sent_bytes_;
}
std::vector<StoreRequest> StoreServer::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}
std::size_t StoreServer::count(const std::string& method, const std::string& query_name) {
  const auto all = requests();
  return static_cast<std::size_t>(std::ranges::count_if(all, [&](const StoreRequest& request) {
    return request.method == method && (query_name.empty() || request.query.contains(query_name));
  }));
}

StoreResponse ranged(const StoreRequest& request, const std::string& body) {
  const std::string range = value_of(request.headers, "range");
  if (range.empty()) return {.status = 200, .headers = {}, .body = body};
  const std::size_t dash = range.find('-'), from = std::stoul(range.substr(6, dash - 6));
  if (from >= body.size()) return {.status = 416, .headers = {}, .body = ""};
  const std::size_t last = std::min<std::size_t>(std::stoul(range.substr(dash + 1)), body.size() - 1);
  return {.status = 206,
          .headers = {{"Content-Range", "bytes " + std::to_string(from) + "-" + std::to_string(last) + "/" +
                                            std::to_string(body.size())}},
          .body = body.substr(from, last - from + 1)};
}

}  // namespace genrewise::testing
