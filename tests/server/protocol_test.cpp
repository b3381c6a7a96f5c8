// What reaches the routes, and what does not.
#include "server_fixture.hpp"

using namespace genrewise;
using namespace genrewise::testing;

namespace {

constexpr char kHealth[] = "GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(ServerTest, AnswersSeveralRequestsOfAConnection) {
  start();
  Client client(port_);
  client.send(std::string(kHealth) + kHealth);
  EXPECT_EQ(client.answer().status, 200);
  const Answer second = client.answer();
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.json()["version"], "test");
}

TEST_F(ServerTest, SendsHeadersThatConfineThePage) {
  start();
  for (const char* path : {"/v1/health", "/v1/nothing"}) {
    const Answer answer = get(path);
    EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff") << path;
    EXPECT_EQ(answer.headers.at("referrer-policy"), "no-referrer") << path;
    const std::string policy = answer.headers.at("content-security-policy");
    EXPECT_NE(policy.find("default-src 'none'"), std::string::npos) << path;
    EXPECT_NE(policy.find("frame-ancestors 'self'"), std::string::npos) << path;
    EXPECT_EQ(policy.find("unsafe"), std::string::npos) << path;
  }
}

TEST_F(ServerTest, RefusesHostsThatAreNamesOfOthers) {
  settings_.allowed_hosts = {"music.example"};
  start();
  const auto status = [&](const std::string& host) {
    return send("GET /v1/health HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status;
  };
  for (const char* host : {"localhost", "localhost:8087", "127.0.0.1:1", "[::1]:8087", "192.168.0.2", "music.example"})
    EXPECT_EQ(status(host), 200) << host;
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1].evil"})
    EXPECT_EQ(status(host), 403) << host;
  EXPECT_EQ(send("GET /v1/health HTTP/1.1\r\n\r\n").status, 403);
}

TEST_F(ServerTest, RefusesRequestsOfOtherSites) {
  start();
  EXPECT_EQ(get("/v1/health", "Origin: http://localhost\r\n").status, 200);
  EXPECT_EQ(get("/v1/health", "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(get("/v1/health", "Origin: null\r\n").status, 403);
  EXPECT_EQ(get("/v1/health", "Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(get("/v1/health", "Sec-Fetch-Site: same-origin\r\n").status, 200);
  EXPECT_EQ(get("/v1/health", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n").status, 200);
  const std::string form = "POST /v1/library/correct HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n";
  EXPECT_EQ(send(form + "Content-Type: text/plain\r\n\r\n{}").status, 403);  // without X-Genrewise
}

TEST_F(ServerTest, RefusesRequestsThatProxiesUnderstandInAnotherWay) {
  start();
  const std::string post = "POST /v1/embed HTTP/1.1\r\nHost: localhost\r\nX-Genrewise: 1\r\n";
  const std::pair<const char*, std::string> requests[] = {
      {"two lengths", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"},
      {"length and chunks", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"negative length", post + "Content-Length: -1\r\n\r\n"},
      {"hexadecimal length", post + "Content-Length: 0x10\r\n\r\n"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"},
      {"folded header", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n b\r\n\r\n"},
      {"blank before the colon", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"},
      {"bare line feed", "GET / HTTP/1.1\nHost: localhost\r\n\r\n"},
      {"control character", std::string("GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\n\r\n", 45)},
      {"absolute target", "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"other version", "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n"},
      {"no version", "GET /\r\n\r\n"}};
  for (const auto& [name, text] : requests) {
    Client client(port_);
    client.send(text);
    EXPECT_EQ(client.answer().status, 400) << name;
    EXPECT_TRUE(client.is_closed()) << name;
  }
  EXPECT_EQ(send(post + "Transfer-Encoding: gzip\r\n\r\n").status, 501);
  EXPECT_EQ(send(post + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc").status, 415);
}

TEST_F(ServerTest, BoundsTheHead) {
  start();
  EXPECT_EQ(get("/" + std::string(8100, 'a')).status, 414);
  EXPECT_EQ(get("/", "X-A: " + std::string(40000, 'a') + "\r\n").status, 431);
  std::string many;
  for (int i = 0; i < 200; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(get("/", many).status, 431);
  std::string ranges = "Range: bytes=0-1";
  for (int i = 0; i < 4000; ++i) ranges += ",0-1";
  EXPECT_EQ(get("/v1/health", ranges + "\r\n").status, 200);
}

TEST_F(ServerTest, BoundsTheLinesBetweenChunks) {
  start();
  Client client(port_);
  client.send("POST /v1/embed HTTP/1.1\r\nHost: localhost\r\nX-Genrewise: 1\r\nTransfer-Encoding: chunked\r\n\r\n" +
              std::string(20000, '0'));
  EXPECT_EQ(client.answer().status, 400);
}

TEST_F(ServerTest, RefusesChunksThatAreMalformed) {
  start();
  const std::string head =
      "POST /v1/embed HTTP/1.1\r\nHost: localhost\r\nX-Genrewise: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body : {"3\r\nabcXX\r\n0\r\n\r\n", "-3\r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n",
                           "3 bytes\r\nabc\r\n0\r\n\r\n", "\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\nX: y\r\n\r\n"}) {
    const Answer answer = send(head + body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(answer.body, ::testing::HasSubstr("the body is incomplete")) << body;
  }
  EXPECT_THAT(send(head + "2;name=value\r\nab\r\n1\r\nc\r\n0\r\n\r\n").body,
              ::testing::Not(::testing::HasSubstr("incomplete")));
}

TEST_F(ServerTest, NamesWhatIsAllowedInsteadOfAnotherMethod) {
  start();
  const Answer answer = send(with_body("PUT", "/v1/health", ""));
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers.at("allow"), "GET, HEAD");
  EXPECT_EQ(answer.code(), "method_not_allowed");
  EXPECT_EQ(send(with_body("BREW", "/v1/jobs/1", "")).headers.at("allow"), "DELETE, GET, HEAD");
  EXPECT_EQ(get("/v1/nothing").status, 404);
}

TEST_F(ServerTest, AnswersHeadWithTheLengthAlone) {
  start();
  const Answer whole = get("/v1/openapi.json");
  const Answer head = send("HEAD /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(whole.body.size()));
}

TEST_F(ServerTest, CompressesTextAndKeepsWhatIsUnchanged) {
  start();
  const Answer plain = get("/v1/openapi.json"), packed = get("/v1/openapi.json", "Accept-Encoding: br, gzip\r\n");
  EXPECT_EQ(packed.headers.at("content-encoding"), "gzip");
  EXPECT_LT(packed.body.size(), plain.body.size() / 4);
  EXPECT_FALSE(get("/v1/openapi.json", "Accept-Encoding: gzip;q=0\r\n").headers.contains("content-encoding"));
  const Answer again = get("/v1/openapi.json", "If-None-Match: " + plain.headers.at("etag") + "\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
}

TEST_F(ServerTest, EndsConnectionsThatSendTheirHeadTooSlowly) {
  settings_.connections.head_s = 0.3;
  start();
  Client client(port_);
  client.send("GET /v1/health HTTP/1.1\r\nHost: local");
  EXPECT_EQ(client.answer().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(ServerTest, EndsConnectionsThatSendTheirBodyTooSlowly) {
  settings_.connections.stall_s = 0.3;
  start();
  Client client(port_);
  client.send("POST /v1/embed HTTP/1.1\r\nHost: localhost\r\nX-Genrewise: 1\r\nContent-Length: 1000\r\n\r\nabc");
  EXPECT_EQ(client.answer().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(ServerTest, RefusesConnectionsBeyondItsThreadsAndPlaces) {
  settings_.connections.threads = 1;
  settings_.connections.waiting = 1;
  start();
  Client first(port_);
  first.send("GET /v1/health HTTP/1.1\r\nHost: localhost\r\n");  // holds the thread
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  Client second(port_);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  Client third(port_);
  const Answer refused = third.answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  first.send("\r\n");
  EXPECT_EQ(first.answer().status, 200);
  second.send(kHealth);
  EXPECT_EQ(second.answer().status, 200);
}

TEST_F(ServerTest, ExplainsAPortThatIsInUse) {
  start();
  settings_.port = port_;
  server::Server other(settings_, runtime_);
  EXPECT_NE(error_message([&] { other.start(); }).find("in use"), std::string::npos);
}

TEST_F(ServerTest, NeedsATokenForOtherAddresses) {
  settings_.host = "0.0.0.0";
  EXPECT_THROW(server::Server(settings_, runtime_), UsageError);
  settings_.token = "short";
  EXPECT_THROW(server::Server(settings_, runtime_), UsageError);
}

class TokenTest : public ServerTest {
 protected:
  TokenTest() { settings_.token = token_; }
  const std::string token_ = "0123456789abcdef0123456789abcdef";
};

TEST_F(TokenTest, TellsStrangersNothing) {
  start();
  for (const char* path : {"/v1/library", "/v1/nothing", "/metrics", "/v1/openapi.json", "/v1/jobs"}) {
    const Answer answer = get(path);
    EXPECT_EQ(answer.status, 401) << path;
    EXPECT_EQ(answer.headers.at("www-authenticate"), "Bearer");
    EXPECT_EQ(answer.body.find(folder_.path().string()), std::string::npos);
  }
  const auto health = get("/v1/health").json();
  EXPECT_EQ(health.size(), 4u);
  EXPECT_EQ(health["token_required"], true);
}

TEST_F(TokenTest, AcceptsTheTokenAndTheCookieOfItsSession) {
  start();
  EXPECT_EQ(get("/v1/library", "Authorization: Bearer " + token_ + "\r\n").status, 200);
  EXPECT_EQ(get("/v1/library", "Authorization: Bearer " + token_ + "x\r\n").status, 401);
  EXPECT_EQ(get("/v1/library", "Authorization: Basic " + token_ + "\r\n").status, 401);
  EXPECT_EQ(post("/v1/session", {{"token", "wrong"}}).status, 401);
  const Answer session = post("/v1/session", {{"token", token_}});
  EXPECT_EQ(session.status, 204);
  const std::string cookie = session.headers.at("set-cookie");
  for (const char* part : {"HttpOnly", "SameSite=Strict"}) EXPECT_NE(cookie.find(part), std::string::npos);
  EXPECT_EQ(cookie.find(token_), std::string::npos);
  const std::string pair = cookie.substr(0, cookie.find(';'));
  EXPECT_EQ(get("/v1/library", "Cookie: a=b; " + pair + "\r\n").status, 200);
  EXPECT_EQ(get("/v1/library", "Cookie: " + pair + "0\r\n").status, 401);
}

TEST_F(TokenTest, RefusesToBeGuessed) {
  start();
  int refused = 0;
  for (int i = 0; i < 20; ++i) refused += get("/v1/library", "Authorization: Bearer guess\r\n").status == 429;
  EXPECT_GE(refused, 9);
  EXPECT_EQ(get("/v1/library", "Authorization: Bearer " + token_ + "\r\n").status, 200);  // its owner is not locked out
}

}  // namespace
