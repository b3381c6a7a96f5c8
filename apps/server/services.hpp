// What the routes share.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/library/catalogue.hpp"
#include "genrewise/predict/predict.hpp"
#include "http.hpp"
#include "jobs.hpp"
#include "server.hpp"
#include "uploads.hpp"

namespace genrewise::server {

/// Limits how many threads do expensive work at once. Thread-safe.
class Slots {
 public:
  Slots(int count, int most_waiting) : free_(count), may_wait_(most_waiting) {}
  class Held {
   public:
    explicit Held(Slots& slots) : slots_(&slots) {}
    Held(Held&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    ~Held();

   private:
    Slots* slots_;
  };
  /// Throws HttpError 503 if too many wait, or after a minute.
  Held take();
  int waiting() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  int free_, may_wait_, waiting_ = 0;
};

/// Texts by key, the latest used ones. Thread-safe.
class Cache {
 public:
  explicit Cache(std::size_t most_bytes) : most_bytes_(most_bytes) {}
  /// `make` is called where the key is new, at the same time for different keys.
  std::shared_ptr<const std::string> get(const std::string& key, const std::function<std::string()>& make);

 private:
  const std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::mutex mutex_;
  std::list<std::pair<std::string, std::shared_ptr<const std::string>>> kept_;  // latest first
};

/// The catalogue, for many threads: each request opens its own for reading, and one at a time writes. Thread-safe.
class Library {
 public:
  explicit Library(std::filesystem::path file) : file_(std::move(file)) {}

  bool exists() const;
  /// Throws HttpError 404 without one.
  Catalogue read() const;
  struct Writer {
    std::unique_lock<std::mutex> turn;
    Catalogue catalogue;
  };
  /// Waits some seconds for its turn; throws CatalogueBusy if another request, job or process writes.
  Writer write();
  /// Throws CatalogueBusy if another process writes.
  void check_free();
  /// Another text after every change, whoever made it.
  std::string version();
  /// Folders that may be read, without links.
  std::vector<std::filesystem::path> roots() const;

 private:
  /// Throws HttpError 404 without a catalogue.
  void require() const;

  const std::filesystem::path file_;
  std::mutex turn_;
  std::mutex mutex_;
  std::optional<Catalogue> watched_;
  std::uintmax_t inode_ = 0;
  std::string epoch_;
};

struct Services {
  Services(ServerConfig config, Runtime& parent);

  /// Opens the model on first use. Throws what open_predictor() does.
  std::shared_ptr<const Predictor> predictor();
  std::shared_ptr<const Predictor> predictor_if_open() const;
  std::string model_name() const;
  /// Why there is no predictor; empty if there is one, or it was not tried yet.
  std::string model_problem() const;
  /// In each runtime that decodes.
  void prepare() const;

  const ServerConfig config;
  Runtime& parent;
  Runtime requests;  ///< of the threads that handle requests
  Library library;
  Uploads uploads;
  Jobs jobs;
  Slots heavy;  ///< analyses and whole passes over the catalogue
  Slots streams{16, 0};
  Cache cache{64 << 20};

 private:
  std::mutex opening_;
  mutable std::mutex mutex_;
  /// Of the predictor that would be opened now; empty: zero-shot.
  std::filesystem::path model_file() const;

  std::shared_ptr<const Predictor> predictor_;
  std::string problem_, opened_;
};

inline constexpr int kMostWindows = 1000;
/// Names of the configured datasets in paths: of their folders or files, each with a number where two are equal.
std::vector<std::string> dataset_names(const ServerConfig& config);

RuntimeConfig runtime_config(const Runtime& parent);

/// The track of an id, and its file if it may be read. Throw HttpError 404 and 403.
CatalogueTrack track_of(const Catalogue& catalogue, std::int64_t id);
std::shared_ptr<const ServedFile> file_of(const Services& services, const CatalogueTrack& track);

/// A stream of server-sent events that `send` writes; throws HttpError 503 if there are too many.
HttpResponse events(Services& services, std::function<void(const Write& write)> send);
/// "event: NAME" with these data.
std::string event_text(const char* name, const nlohmann::json& data);

/// A handler that calls function(services, request).
template <class Function>
Handler with(Services& services, Function function) {
  return [&services, function](const HttpRequest& request) { return function(services, request); };
}

void add_analysis_routes(Router& router, Services& services);
void add_library_routes(Router& router, Services& services);
void add_tag_routes(Router& router, Services& services);
void add_job_routes(Router& router, Services& services);
void add_run_routes(Router& router, Services& services);
void add_data_routes(Router& router, Services& services);
/// All of these.
inline void add_service_routes(Router& router, Services& services) {
  add_analysis_routes(router, services);
  add_library_routes(router, services);
  add_tag_routes(router, services);
  add_job_routes(router, services);
  add_run_routes(router, services);
  add_data_routes(router, services);
}

}  // namespace genrewise::server
