#include "listener.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <httplib.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "genrewise/base/error.hpp"
#include "genrewise/base/runtime.hpp"
#include "head.hpp"
#include "served_file.hpp"

namespace genrewise::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBlock = 64 << 10, kMostLine = 8192;
constexpr int kRequestsPerConnection = 1000;
/// A slower client may take this long in all besides what its bytes need at this rate.
constexpr double kSlowest_bytes_per_s = 4096, kWriteGrace_s = 60;
/// For a body of JSON, which is small, and which strangers may send too (/v1/session).
constexpr double kMostJson_s = 15;

Clock::duration seconds(double s) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
}

int milliseconds_until(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1 << 30));
}

/// Whether the socket has one of these events before `end`.
bool wait_for(int socket, short events, Clock::time_point end) {
  pollfd one{socket, events, 0};
  return TEMP_FAILURE_RETRY(::poll(&one, 1, milliseconds_until(end))) > 0;
}

void add_common_headers(httplib::Headers& headers) {
  headers.insert({{"X-Content-Type-Options", "nosniff"},
                  {"Referrer-Policy", "no-referrer"},
                  {"Cross-Origin-Resource-Policy", "same-origin"},
                  {"Cross-Origin-Opener-Policy", "same-origin"},
                  {"X-Frame-Options", "SAMEORIGIN"}});
}

std::string whole_answer(const HttpError& error) {
  const std::string body = error.json().dump();
  std::string head = fmt::format("HTTP/1.1 {} Error\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
                                 error.status(), body.size());
  for (const auto& [name, value] : error.headers) head += fmt::format("{}: {}\r\n", name, value);
  return head + "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n" + body;
}

std::string address_of(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  char name[NI_MAXHOST] = "";
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0)
    ::getnameinfo(reinterpret_cast<sockaddr*>(&address), length, name, sizeof name, nullptr, 0, NI_NUMERICHOST);
  constexpr std::string_view kMapped = "::ffff:";  // IPv4 on a socket for both
  const std::string_view text = name;
  return std::string(text.substr(text.starts_with(kMapped) && text.find('.') != text.npos ? kMapped.size() : 0));
}

}  // namespace

/// One connection, whose socket the caller closes. It gives the HTTP library a head that holds nothing but what the
/// library must know, and then the body.
class Listener::Connection final : public httplib::Stream {
 public:
  Connection(int socket, const ListenerLimits& limits)
      : socket_(socket), limits_(limits), client_(address_of(socket)) {}

  /// False if none comes.
  bool wait_for_request(const std::function<bool()>& give_up, double idle_s) {
    const auto end = Clock::now() + seconds(idle_s);
    while (pending().empty()) {
      if (give_up() || Clock::now() > end) return false;
      if (wait_for(socket_, POLLIN, std::min(end, Clock::now() + std::chrono::milliseconds(100)))) return fill();
    }
    return true;
  }

  /// Throws HttpError; 408 with an empty text if the other end has closed.
  void read_head() {
    const auto end = Clock::now() + seconds(limits_.head_s);
    std::size_t length = 0;
    while ((length = pending().find("\r\n\r\n")) == std::string_view::npos) {
      if (pending().size() > kMostHeadBytes) throw HttpError(431, "the request line and headers are too long");
      if (!wait_for(socket_, POLLIN, end)) throw HttpError(408, "the request did not arrive in time");
      if (!fill()) throw HttpError(408, "");
    }
    if (length > kMostHeadBytes) throw HttpError(431, "the request line and headers are too long");
    head = parse_head(pending().substr(0, length + 4));
    read_ += length + 4;
    head.request.client = client_;
    const char* method = head.request.method == "POST" ? "POST" : head.request.method == "HEAD" ? "HEAD" : "GET";
    for_library_ = fmt::format("{} / HTTP/1.1\r\n", method);
    if (head.chunked) for_library_ += "Transfer-Encoding: chunked\r\n";
    if (!head.chunked) for_library_ += fmt::format("Content-Length: {}\r\n", head.request.content_length.value_or(0));
    if (head.gzip) for_library_ += "Accept-Encoding: gzip\r\n";
    for_library_ += "\r\n";
    deadline_ =
        Clock::now() + seconds(head.request.has_json() ? std::min(kMostJson_s, limits_.body_s) : limits_.body_s);
    blocked_s_ = 0;
    sent_ = 0;
    body_was_read = false;
  }

  /// Tells the client to send its body, if it waits for that.
  void begin_body() {
    if (head.expects_continue) send("HTTP/1.1 100 Continue\r\n\r\n");
  }
  /// False if the body is incomplete or malformed. The library would take a malformed one for whole.
  bool read_body(const std::function<void(std::string_view)>& take) {
    if (!head.chunked) return read_part(head.request.content_length.value_or(0), take);
    for (;;) {
      const auto line = read_line();
      if (!line) return false;
      std::uint64_t bytes = 0;
      const char* const end = line->data() + std::min(line->find(';'), line->size());
      const auto [after, code] = std::from_chars(line->data(), end, bytes, 16);
      if (code != std::errc() || after != end) return false;
      if (bytes == 0) return read_line() == "";
      if (!read_part(bytes, take) || read_line() != "") return false;
    }
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = write(bytes.data(), bytes.size());
      if (count < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// Lets the last answer arrive although the client still sends.
  void close_gently() {
    ::shutdown(socket_, SHUT_WR);
    const auto end = Clock::now() + std::chrono::seconds(1);
    std::array<char, 4096> ignored;
    while (wait_for(socket_, POLLIN, end) && ::recv(socket_, ignored.data(), ignored.size(), MSG_DONTWAIT) > 0) {
    }
  }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return wait_for(socket_, POLLOUT, Clock::now()); }
  ssize_t read(char* to, size_t size) override {
    std::string_view from = std::string_view(for_library_);
    if (from.empty()) from = pending();
    if (from.empty()) {
      if (!wait_for(socket_, POLLIN, std::min(deadline_, Clock::now() + seconds(limits_.stall_s)))) {
        timed_out = true;
        return -1;
      }
      if (!fill()) return -1;
      from = pending();
    }
    const std::size_t count = std::min(size, from.size());
    std::copy_n(from.begin(), count, to);
    if (for_library_.empty())
      read_ += count;
    else
      for_library_.erase(0, count);
    // The library reads lines byte by byte, into memory without a limit.
    line_ = size > 1 || *to == '\n' ? 0 : line_ + 1;
    return line_ > kMostLine ? -1 : static_cast<ssize_t>(count);
  }
  ssize_t write(const char* bytes, size_t size) override {
    const auto started = Clock::now();
    if (!wait_for(socket_, POLLOUT, started + seconds(limits_.stall_s))) return -1;
    blocked_s_ += std::chrono::duration<double>(Clock::now() - started).count();
    if (blocked_s_ > kWriteGrace_s + static_cast<double>(sent_) / kSlowest_bytes_per_s) return -1;
    const ssize_t count = ::send(socket_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (count > 0) sent_ += static_cast<std::uint64_t>(count);
    return count;
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return 0; }  // the library refuses large numbers, which select() could not take

  Head head;
  bool body_was_read = false, timed_out = false;
  static thread_local Connection* current;

 private:
  bool read_part(std::uint64_t left, const std::function<void(std::string_view)>& take) {
    std::array<char, 16384> block;
    while (left > 0) {
      const ssize_t count = read(block.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left, block.size())));
      if (count <= 0) return false;
      take({block.data(), static_cast<std::size_t>(count)});
      left -= static_cast<std::uint64_t>(count);
    }
    return true;
  }
  /// Without its end; nothing if that does not come, or the line is too long.
  std::optional<std::string> read_line() {
    std::string line;
    for (char letter = 0; read(&letter, 1) == 1;) {
      line += letter;
      if (line.ends_with("\r\n")) return line.substr(0, line.size() - 2);
    }
    return {};
  }
  std::string_view pending() const { return std::string_view(buffer_).substr(read_); }
  /// False if nothing more comes.
  bool fill() {
    buffer_.erase(0, read_);
    read_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + 16384);
    const ssize_t count = ::recv(socket_, buffer_.data() + had, buffer_.size() - had, MSG_DONTWAIT);
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
  }

  const int socket_;
  const ListenerLimits& limits_;
  const std::string client_;
  std::string buffer_, for_library_;
  std::size_t read_ = 0;  // of buffer_
  std::size_t line_ = 0;
  Clock::time_point deadline_;
  double blocked_s_ = 0;
  std::uint64_t sent_ = 0;
};

thread_local Listener::Connection* Listener::Connection::current = nullptr;

struct Listener::State {
  ListenerLimits limits;
  std::function<HttpResponse(HttpRequest&)> handle;
  std::unique_ptr<HttpServer> http;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<int> waiting;
  std::multiset<std::string> clients;
  std::set<int> open;
  unsigned long long accepted = 0, refused = 0;
  std::atomic<bool> stopping = false;
  std::jthread acceptor;
  std::vector<std::jthread> threads;

  void serve(int socket);
  void take_connections();
};

class Listener::HttpServer final : public httplib::Server {
 public:
  explicit HttpServer(State& state) : state_(state) {
    httplib::Headers headers;
    add_common_headers(headers);
    set_default_headers(std::move(headers));
    set_keep_alive_timeout(static_cast<time_t>(state.limits.idle_s));
    set_keep_alive_max_count(kRequestsPerConnection);
    // Without SO_REUSEPORT, with which a second server would take over half of the connections.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    new_task_queue = [] { return new Inline; };
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      if (request.method == "POST") return HandlerResponse::Unhandled;
      respond(response, nullptr);
      return HandlerResponse::Handled;
    });
    Post("/", [this](const httplib::Request&, httplib::Response& response, const httplib::ContentReader& reader) {
      respond(response, &reader);
    });
  }
  bool begin_listening() {
    return svr_sock_ != INVALID_SOCKET && ::fcntl(svr_sock_, F_SETFL, O_NONBLOCK) == 0 && ::listen(svr_sock_, 512) == 0;
  }
  /// The library's own loop ends for good at errors that pass, such as no memory or a connection that is gone already.
  void accept_connections() {
    while (!state_.stopping) {
      if (!wait_for(svr_sock_, POLLIN, Clock::now() + std::chrono::milliseconds(100))) continue;
      const int socket = ::accept4(svr_sock_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket >= 0)
        process_and_close_socket(socket);
      else if (errno != EAGAIN && errno != EINTR)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ::shutdown(svr_sock_, SHUT_RDWR);  // closed later: without it the library cuts answers in progress
  }
  void close_listening() {
    if (const socket_t socket = svr_sock_.exchange(INVALID_SOCKET); socket != INVALID_SOCKET)
      httplib::detail::close_socket(socket);
  }
  using httplib::Server::process_request;

 private:
  /// The library's acceptor only hands connections on.
  struct Inline final : httplib::TaskQueue {
    void enqueue(std::function<void()> work) override { work(); }
    void shutdown() override {}
  };

  bool process_and_close_socket(socket_t socket) override {
    ::fcntl(socket, F_SETFD, FD_CLOEXEC);
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    {
      const std::lock_guard lock(state_.mutex);
      ++state_.accepted;
      if (state_.waiting.size() < static_cast<std::size_t>(state_.limits.waiting)) {
        state_.waiting.push_back(socket);
        state_.changed.notify_all();
        return true;
      }
      ++state_.refused;
    }
    const std::string answer = whole_answer(busy(503, "too many connections"));
    [[maybe_unused]] const auto sent = ::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(socket, SHUT_WR);
    httplib::detail::close_socket(socket);
    return true;
  }

  void respond(httplib::Response& to, const httplib::ContentReader* reader) {
    Connection& connection = *Connection::current;
    HttpRequest& request = connection.head.request;
    request.read_body = [&](const std::function<void(std::string_view)>& take) {
      if (!request.has_body) return;
      if (reader == nullptr) throw HttpError(400, "a request of this method has no body", "body");
      connection.begin_body();
      if (!connection.read_body(take))
        throw HttpError(connection.timed_out ? 408 : 400,
                        connection.timed_out ? "the body came too slowly" : "the body is incomplete", "body");
      connection.body_was_read = true;
    };
    HttpResponse response;
    try {
      response = state_.handle(request);
    } catch (const std::exception& error) {
      response = HttpResponse::of(to_http_error(error));
    }
    send(std::move(response), to);
  }

  void send(HttpResponse response, httplib::Response& to) {
    const Connection& connection = *Connection::current;
    to.status = response.status;
    for (const auto& [name, value] : response.headers) to.set_header(name, value);
    if (!response.file && !response.stream) to.set_header("Vary", "Accept-Encoding");
    if (connection.head.request.has_body && !connection.body_was_read) to.set_header("Connection", "close");
    if (response.stream) {
      to.set_chunked_content_provider(response.type, [this, stream = std::move(response.stream)](
                                                         std::size_t, httplib::DataSink& sink) {
        try {
          stream([&](std::string_view bytes) { return !state_.stopping && sink.write(bytes.data(), bytes.size()); });
        } catch (const std::exception&) {
          return false;
        }
        sink.done();
        return true;
      });
    } else if (response.file && response.bytes > 0) {
      to.set_content_provider(response.bytes, response.type,
                              [file = std::move(response.file), from = response.offset](
                                  std::size_t offset, std::size_t length, httplib::DataSink& sink) {
                                std::array<char, kBlock> block;
                                const std::size_t got =
                                    file->read(from + offset, std::span(block).first(std::min(length, kBlock)));
                                return got > 0 && sink.write(block.data(), got);
                              });
    } else if (!response.type.empty()) {
      to.set_content(std::move(response.body), response.type);
    }
  }

  State& state_;
};

void Listener::State::serve(int socket) {
  Connection connection(socket, limits);
  Connection::current = &connection;
  const auto give_up = [&] {
    const std::lock_guard lock(mutex);
    return stopping || !waiting.empty();
  };
  for (int i = 0; i < kRequestsPerConnection && !stopping; ++i) {
    if (!connection.wait_for_request(i == 0 ? std::function<bool()>([&] { return stopping.load(); }) : give_up,
                                     i == 0 ? limits.head_s : limits.idle_s))
      return;
    try {
      connection.read_head();
    } catch (const std::exception& error) {
      const HttpError known = to_http_error(error);
      if (*known.what() != '\0' && connection.send(whole_answer(known))) connection.close_gently();
      return;
    }
    bool closed = connection.head.close || i + 1 == kRequestsPerConnection || give_up();
    bool library_closes = false;
    if (!http->process_request(connection, closed, library_closes, nullptr)) return;
    closed |= library_closes || (connection.head.request.has_body && !connection.body_was_read);
    if (closed) return connection.close_gently();
  }
}

void Listener::State::take_connections() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [&] { return stopping || !waiting.empty(); });
    if (waiting.empty()) return;
    const int socket = waiting.front();
    waiting.pop_front();
    const std::string client = address_of(socket);
    const bool local = client.starts_with("127.") || client == "::1";
    if (stopping || (!local && clients.count(client) >= static_cast<std::size_t>(limits.per_client))) {
      ++refused;
      httplib::detail::close_socket(socket);
      continue;
    }
    const auto place = clients.insert(client);
    open.insert(socket);
    lock.unlock();
    serve(socket);
    lock.lock();
    open.erase(socket);
    httplib::detail::close_socket(socket);
    clients.erase(place);
    changed.notify_all();
  }
}

Listener::Listener(const ListenerLimits& limits, std::function<HttpResponse(HttpRequest&)> handle)
    : state_(std::make_unique<State>()) {
  state_->limits = limits;
  state_->handle = std::move(handle);
  state_->http = std::make_unique<HttpServer>(*state_);
}

Listener::~Listener() {
  stop();
}

int Listener::start(const std::string& host, int port) {
  HttpServer& http = *state_->http;
  const int bound = port == 0 ? http.bind_to_any_port(host) : http.bind_to_port(host, port) ? port : -1;
  if (bound < 0 || !http.begin_listening())
    throw Error("cannot listen there; the port is in use, or the address is not one of this machine's",
                fmt::format("{}:{}", host, port), "give another --port or --host");
  for (int i = 0; i < state_->limits.threads; ++i)
    state_->threads.push_back(start_thread([this] { state_->take_connections(); }));
  state_->acceptor = start_thread([this] { state_->http->accept_connections(); });
  return bound;
}

void Listener::stop(const std::function<void()>& hurry) {
  State& state = *state_;
  if (!state.acceptor.joinable() && state.threads.empty()) return state.http->close_listening();
  {
    const std::lock_guard lock(state.mutex);
    state.stopping = true;
  }
  state.changed.notify_all();
  if (state.acceptor.joinable()) state.acceptor.join();
  {
    std::unique_lock lock(state.mutex);
    for (; !state.waiting.empty(); state.waiting.pop_front())  // no thread may be left to take them
      httplib::detail::close_socket(state.waiting.front());
    state.changed.wait_for(lock, seconds(state.limits.stopping_s), [&] { return state.open.empty(); });
    if (hurry) hurry();
    for (const int socket : state.open) ::shutdown(socket, SHUT_RDWR);
  }
  state.threads.clear();
  state.http->close_listening();
}

ListenerCounts Listener::counts() const {
  const std::lock_guard lock(state_->mutex);
  return {static_cast<int>(state_->open.size()), static_cast<int>(state_->waiting.size()), state_->accepted,
          state_->refused};
}

}  // namespace genrewise::server
