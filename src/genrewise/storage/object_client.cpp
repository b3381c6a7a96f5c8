#include "genrewise/storage/object_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

constexpr std::chrono::milliseconds kCleaningTime{5'000};

std::chrono::milliseconds asked_wait(const HttpResponse& response) {
  const std::string& text = response.header("retry-after");
  int seconds = 0;
  return parse_number(text, seconds) && seconds > 0 ? std::chrono::seconds(std::min(seconds, 3600))
                                                    : std::chrono::seconds(0);
}

// Random, so that clients that failed together do not retry together.
std::chrono::milliseconds jittered(std::chrono::milliseconds longest) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(longest.count() / 2, longest.count())(random));
}

}  // namespace

void Attempts::failed(const HttpResponse& response, bool progress) {
  throw_if_interrupted();
  if (progress) count_ = 0;
  const RetryPolicy& retry = client_.settings().retry;
  if (!client_.is_transient(response) || ++count_ >= retry.attempts) client_.throw_error(name_, response);
  const auto longest = retry.longest_wait;
  auto wait = retry.first_wait;
  for (int i = 1; i < count_ && wait < longest; ++i) wait *= 2;
  sleep_unless_interrupted(std::min(longest, std::max(jittered(std::min(wait, longest)), asked_wait(response))));
}

bool ObjectClient::is_transient(const HttpResponse& response) const {
  if (response.hopeless) return false;
  if (!response.problem.empty()) return true;
  constexpr std::array kTransient{408L, 429L, 500L, 502L, 503L, 504L};
  return std::ranges::find(kTransient, response.status) != kTransient.end();
}

HttpResponse ObjectClient::attempt_with(const ObjectCall& call, const Credentials& who) {
  HttpCall request = to_http(call, who);
  request.method = call.method;
  request.body = call.body;
  request.sink = call.sink;
  request.silence = settings_.retry.silence;
  request.only_once = call.only_once;
  if (call.cleaning) {
    request.longest = kCleaningTime;
  } else {
    request.stop = [&call] { return interrupt_is_due() || (call.stop && call.stop()); };
  }
  return http_.perform(request);
}

HttpResponse ObjectClient::attempt(const ObjectCall& call) {
  if (!call.session.empty()) return attempt_with(call, {});
  const Credentials who = settings_.credentials->get();
  HttpResponse response = attempt_with(call, who);
  const long status = response.status;
  const bool unexplained = call.method == "HEAD" && (status == 400 || status == 403);  // without a body
  const bool refused = response.problem.empty() && status >= 400 &&
                       (unexplained || refusal_in(call.name, response).kind == Refusal::Kind::bad_credentials);
  return refused && settings_.credentials->renew(who) ? attempt_with(call, settings_.credentials->get()) : response;
}

HttpResponse ObjectClient::send(const ObjectCall& call) {
  for (Attempts attempts(*this, call.name);;) {
    HttpResponse response = attempt(call);
    if (response.good()) return response;
    if (response.problem.empty() && std::ranges::find(call.expected, response.status) != call.expected.end())
      return response;
    if (call.cleaning || (response.stopped && call.stop && call.stop())) {
      throw_if_interrupted();
      throw_error(call.name, response);
    }
    attempts.failed(response, false);
  }
}

std::string ObjectClient::shown(const std::string& said) const {
  const Credentials who = settings_.credentials->get();
  return short_text(without_secrets(said, {who.secret_key, who.token, who.access_key}));
}

void ObjectClient::throw_error(const ObjectName& name, const HttpResponse& response) {
  const std::string location = to_uri(name), &origin = settings_.credentials->origin();
  if (!response.problem.empty()) {
    throw Error(
        fmt::format("the transfer failed ({})", response.problem), location,
        fmt::format("check the network and the endpoint {}, then run the same command again", settings_.endpoint));
  }
  const Refusal refusal = refusal_in(name, response);
  const auto text = [&](const char* before, const std::string& said, const char* behind) {
    return said.empty() ? "" : before + shown(said) + behind;
  };
  switch (refusal.kind) {
    case Refusal::Kind::no_bucket:
      throw Error("there is no such bucket", name.scheme + "://" + name.bucket,
                  "check its name and the endpoint " + settings_.endpoint);
    case Refusal::Kind::no_object:
      throw FileError("there is no such object", location, "check the name; `genrewise list` shows existing objects");
    case Refusal::Kind::bad_credentials:
      throw Error("the server does not accept the token, or it has expired", location,
                  "it comes from " + origin + ": get a new one");
    case Refusal::Kind::changed:
      throw FileError("was changed while it was read", location, "run again when no other process writes to it");
    case Refusal::Kind::denied:
      throw Error("access is denied" + text(" (", refusal.message, ")"), location,
                  "the credentials come from " + origin + ": grant them access, or use other credentials");
    case Refusal::Kind::other:
      break;
  }
  throw Error(fmt::format("the server returned status {}{}{}", response.status, text(" ", refusal.code, ""),
                          text(": ", refusal.message, "")),
              location,
              response.status >= 500 || response.status == 429
                  ? "try again later"
                  : "check the location and the endpoint " + settings_.endpoint);
}

}  // namespace genrewise
