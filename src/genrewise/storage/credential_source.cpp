#include "genrewise/storage/credential_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/object_client.hpp"

namespace genrewise {
namespace {

using std::chrono::system_clock;

constexpr std::string_view kMask = "***";
constexpr std::chrono::seconds kMargin{225};
constexpr std::chrono::seconds kBetweenFetches{10};

/// Code and description in an error of an OAuth server, of Google's APIs or of Amazon.
std::string reason_in(const std::string& body) {
  std::string reason;
  const auto add = [&](std::string_view text) {
    if (!text.empty()) reason += (reason.empty() ? "" : ": ") + std::string(text);
  };
  const auto json = try_parse_json(body);
  if (json.is_object()) {
    const auto error = json.contains("error") ? json["error"] : nlohmann::json();
    for (const auto& value : {error, error.is_object() ? error.value("message", nlohmann::json()) : nlohmann::json(),
                              json.value("error_description", nlohmann::json())})
      if (value.is_string()) add(value.get_ref<const std::string&>());
  }
  pugi::xml_document document;
  if (document.load_buffer(body.data(), body.size())) {
    const auto error = document.child("ErrorResponse").child("Error");
    add(error.child_value("Code"));
    add(error.child_value("Message"));
  }
  return reason;
}

/// Passwords of the proxies that libcurl finds in the environment, and what it sends to them.
std::vector<std::string> proxy_secrets() {
  std::vector<std::string> secrets;
  for (const char* variable : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    const char* value = std::getenv(variable);
    std::string_view proxy = value == nullptr ? "" : value;
    if (const std::size_t scheme = proxy.find("://"); scheme != proxy.npos) proxy.remove_prefix(scheme + 3);
    const std::size_t at = proxy.substr(0, proxy.find('/')).rfind('@');
    if (at == proxy.npos) continue;
    const std::string user = percent_decoded(proxy.substr(0, at));
    secrets.push_back(to_base64(user));
    if (const std::size_t colon = user.find(':'); colon != user.npos) secrets.push_back(user.substr(colon + 1));
  }
  return secrets;
}

}  // namespace

std::string without_secrets(std::string text, std::vector<std::string> secrets) {
  for (std::string& secret : proxy_secrets()) secrets.push_back(std::move(secret));
  for (const std::string& secret : secrets) {
    for (const std::string& form : {secret, percent_encoded(secret, false), percent_encoded(secret, true)})
      for (std::size_t at = 0; !form.empty() && (at = text.find(form, at)) != std::string::npos; at += kMask.size())
        text.replace(at, form.size(), kMask);
  }
  return text;
}

CredentialSource::CredentialSource(Fetch fetch, std::string origin)
    : fetch_(std::move(fetch)), origin_(std::move(origin)), current_{.expires = Credentials::Time::min()} {}

Credentials CredentialSource::get() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto now = system_clock::now();
    const bool valid = now < current_.expires;
    if (valid && (fetching_ || now < next_fetch_ || current_.expires - now > kMargin)) return current_;
    if (!fetching_) break;
    throw_if_interrupted();
    changed_.wait_for(lock, std::chrono::milliseconds(50));
  }
  fetching_ = true;
  lock.unlock();
  Credentials fetched;
  std::exception_ptr error;
  try {
    fetched = fetch_();
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  fetching_ = false;
  changed_.notify_all();
  next_fetch_ = system_clock::now() + kBetweenFetches;
  if (!error) current_ = std::move(fetched);
  if (error && current_.expires <= system_clock::now()) std::rethrow_exception(error);
  throw_if_interrupted();
  return current_;
}

bool CredentialSource::renew(const Credentials& refused) {
  if (!fetch_) return false;
  {
    const std::lock_guard lock(mutex_);
    if (current_.token == refused.token && current_.access_key == refused.access_key)
      current_.expires = Credentials::Time::min();
  }
  const Credentials now = get();
  return now.token != refused.token || now.access_key != refused.access_key;
}

std::string fetch_credentials(const CredentialRequest& request) {
  HttpCall call = request.call;
  call.body = request.body;
  call.stop = interrupt_is_due;
  const std::string where = call.url.substr(0, call.url.find('?'));
  HttpClient client;
  auto wait = std::chrono::milliseconds(200);
  for (int attempt = 1;; ++attempt, wait *= 2) {
    const HttpResponse response = client.perform(call);
    throw_if_interrupted();
    if (response.good()) return response.body;
    const long status = response.status;
    const bool again = response.problem.empty() ? status >= 500 || status == 429 || status == 408 : !response.hopeless;
    if (again && attempt < request.attempts) {
      sleep_unless_interrupted(wait);
      continue;
    }
    std::vector<std::string> secrets = request.secrets;
    for (const std::string& header : call.headers) secrets.push_back(header.substr(header.rfind(' ') + 1));
    for (const std::string& value : split_text(call.url.substr(std::min(where.size() + 1, call.url.size())), '&'))
      secrets.push_back(percent_decoded(value.substr(value.find('=') + 1)));
    const std::string reason = short_text(without_secrets(reason_in(response.body), secrets));
    throw Error(response.problem.empty() ? fmt::format("{} returned status {}{}{}", request.server, status,
                                                       reason.empty() ? "" : ": ", reason)
                                         : fmt::format("{} cannot be reached ({})", request.server, response.problem),
                where, again ? "try again later" : request.remedy);
  }
}

std::string post_form(std::string_view server, const std::string& url, const NamedValues& form) {
  constexpr std::string_view kSecrets[] = {"assertion", "client_secret", "refresh_token", "subject_token",
                                           "WebIdentityToken"};
  std::vector<std::string> secrets;
  for (const auto& [name, value] : form)
    if (std::ranges::find(kSecrets, name) != std::end(kSecrets)) secrets.push_back(value);
  return fetch_credentials(
      {.server = server,
       .call = {.method = "POST", .url = url, .headers = {"Content-Type: application/x-www-form-urlencoded"}},
       .body = encode_query(form),
       .secrets = std::move(secrets),
       .remedy = "check the credentials and what they are allowed to do, or log in again"});
}

std::string ask_metadata_server(std::string_view server, std::string method, const std::string& url,
                                std::vector<std::string> headers) {
  return fetch_credentials({.server = server,
                            .call = {.method = std::move(method),
                                     .url = url,
                                     .headers = std::move(headers),
                                     .connecting = std::chrono::milliseconds(500)},
                            .remedy = "give this machine, task or pod a role or a service account",
                            .attempts = 2});
}

std::shared_ptr<CredentialSource> last_resort(CredentialSource::Fetch fetch, Error none, std::string origin) {
  const auto try_it = [fetch = std::move(fetch), none = std::move(none), found = false]() mutable {
    try {
      Credentials credentials = fetch();
      found = true;
      return credentials;
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      if (found) throw;
      throw Error(none.problem() + ", and " + error.problem(), {}, none.remedy());
    }
  };
  return std::make_shared<CredentialSource>(try_it, std::move(origin));
}

nlohmann::json parse_credentials(std::string_view text, const std::string& where) {
  auto json = try_parse_json(text);
  if (json.is_object()) return json;
  throw Error("is not a JSON object with credentials", where, "check that file or server");
}

std::string text_of(const nlohmann::json& json, const char* name, const std::string& where, bool optional) {
  const auto found = json.find(name);
  if (found != json.end() && found->is_string()) return *found;
  if (optional) return {};
  throw Error(fmt::format("the credentials have no member \"{}\"", name), where, "check that file or server");
}

Credentials::Time time_of(const std::string& text, const std::string& where) {
  std::tm time{};
  // Year 9999 means for ever, and is more than the clock's nanoseconds can count.
  constexpr std::time_t kLatest =
      std::chrono::floor<std::chrono::seconds>(Credentials::Time::max()).time_since_epoch().count();
  if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time) != nullptr)
    return system_clock::from_time_t(std::clamp<std::time_t>(::timegm(&time), 0, kLatest));
  throw Error("the credentials have an invalid time of expiry", where, "check that file or server");
}

}  // namespace genrewise
