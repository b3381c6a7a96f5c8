#include "services.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "genrewise/audio/isolation.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "served_file.hpp"

namespace genrewise::server {
namespace {

constexpr auto kTurn = std::chrono::seconds(3), kSlot = std::chrono::seconds(60);
constexpr int kMostAtOnce = 4;  // each on all threads
constexpr std::size_t kMostTexts = 1000;
constexpr int kMostWaiting = 48;  // of the threads that serve connections, so that some stay free for the others

std::string name_of(const std::filesystem::path& model) {
  return model.empty() ? kZeroShot : model.filename().string();
}

std::uintmax_t inode_of(const std::filesystem::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

Slots::Held::~Held() {
  if (slots_ == nullptr) return;
  const std::lock_guard lock(slots_->mutex_);
  ++slots_->free_;
  slots_->freed_.notify_one();
}

Slots::Held Slots::take() {
  std::unique_lock lock(mutex_);
  if (free_ == 0 && waiting_ >= may_wait_) throw busy(503, "too much work is waiting", 2);
  ++waiting_;
  const auto end = std::chrono::steady_clock::now() + kSlot;
  while (free_ == 0 && !interrupt_requested() && std::chrono::steady_clock::now() < end)
    freed_.wait_for(lock, std::chrono::milliseconds(100));
  --waiting_;
  throw_if_interrupted();
  if (free_ == 0) throw busy(503, "too much work is waiting", 5);
  --free_;
  return Held(*this);
}

int Slots::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

std::shared_ptr<const std::string> Cache::get(const std::string& key, const std::function<std::string()>& make) {
  const auto find = [&] { return std::ranges::find(kept_, key, [](const auto& one) { return one.first; }); };
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = find(); found != kept_.end()) {
      kept_.splice(kept_.begin(), kept_, found);
      return found->second;
    }
  }
  auto text = std::make_shared<const std::string>(make());
  const std::lock_guard lock(mutex_);
  if (find() != kept_.end()) return text;
  kept_.emplace_front(key, text);
  bytes_ += text->size();
  while (bytes_ > most_bytes_ || kept_.size() > kMostTexts) {
    bytes_ -= kept_.back().second->size();
    kept_.pop_back();
  }
  return text;
}

bool Library::exists() const {
  return !file_.empty() && path_exists(file_);
}

void Library::require() const {
  if (!exists())
    throw HttpError(404, "this server has no library", {}, "make one with `genrewise library scan FOLDER`");
}

Catalogue Library::read() const {
  require();
  return Catalogue(file_);
}

Library::Writer Library::write() {
  require();
  std::unique_lock turn(turn_, std::defer_lock);
  for (const auto end = std::chrono::steady_clock::now() + kTurn; !turn.try_lock();) {
    if (std::chrono::steady_clock::now() > end)
      throw CatalogueBusy("a job of this server changes the library", "library", "wait for its end, or cancel it");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {std::move(turn), Catalogue(file_, Catalogue::Access::write)};
}

void Library::check_free() {
  require();
  if (const std::unique_lock turn(turn_, std::try_to_lock); turn) Catalogue(file_, Catalogue::Access::write);
}

std::string Library::version() {
  const std::lock_guard lock(mutex_);
  if (const std::uintmax_t inode = inode_of(file_); !watched_ || inode != inode_) {
    watched_.emplace(read());
    inode_ = inode;
    epoch_ = random_id().substr(0, 8);
  }
  return fmt::format("{}-{}", epoch_, watched_->data_version());
}

std::vector<std::filesystem::path> Library::roots() const {
  const auto roots = read().roots();
  return canonical_paths(roots);
}

RuntimeConfig runtime_config(const Runtime& parent) {
  return {.threads = parent.threads(), .device = parent.device(), .progress = nullptr, .weights = parent.weights()};
}

Services::Services(ServerConfig given, Runtime& of)
    : config(std::move(given)),
      parent(of),
      requests(runtime_config(parent)),
      library(config.library),
      uploads(config.uploads),
      jobs(runtime_config(parent), [this] { prepare(); }),
      heavy(std::min(parent.threads(), kMostAtOnce), kMostWaiting) {
  const UseRuntime use(requests);
  prepare();
}

void Services::prepare() const {
  StoreOptions stores;
  {
    const UseRuntime use(parent);
    stores = store_options();
  }
  set_store_options(stores);
  isolate_decoding(config.isolation);
}

std::filesystem::path Services::model_file() const {
  if (config.model.empty() && library.exists())
    if (const auto model = library.read().current_model(); model && model->name != kZeroShot) return model->name;
  return config.model;
}

std::string Services::model_name() const {
  {
    const std::lock_guard lock(mutex_);
    if (predictor_) return opened_;  // the catalogue may name another one by now
  }
  return name_of(model_file());
}

std::shared_ptr<const Predictor> Services::predictor_if_open() const {
  const std::lock_guard lock(mutex_);
  return predictor_;
}

std::string Services::model_problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

std::shared_ptr<const Predictor> Services::predictor() {
  const std::lock_guard opening(opening_);
  if (auto open = predictor_if_open()) return open;
  try {
    const ModelChoice choice{.model = model_file(), .zero_shot = false, .genres = {}};
    auto opened = std::make_shared<const Predictor>(open_predictor(choice, {}, parent.progress()));
    const std::lock_guard lock(mutex_);
    problem_.clear();
    opened_ = name_of(choice.model);
    return predictor_ = std::move(opened);
  } catch (const Interrupted&) {  // of this job or of the server: the model has no fault
    throw;
  } catch (const Error& error) {
    const std::lock_guard lock(mutex_);
    problem_ = without_folders(error.problem()) + "; " + without_folders(error.remedy());
    throw HttpError(503, without_folders(error.problem()), without_folders(error.where()),
                    without_folders(error.remedy()));
  }
}

std::vector<std::string> dataset_names(const ServerConfig& config) {
  std::vector<std::string> names;
  for (const std::string& location : config.datasets) {
    const std::string whole = absolute_location(location).string();
    std::string name(last_name(std::string_view(whole).substr(0, whole.find_last_not_of('/') + 1)));
    if (name.empty()) name = "data";
    std::string one = name;
    for (int i = 2; std::ranges::find(names, one) != names.end(); ++i) one = fmt::format("{}-{}", name, i);
    names.push_back(std::move(one));
  }
  return names;
}

CatalogueTrack track_of(const Catalogue& catalogue, std::int64_t id) {
  auto track = catalogue.track(id);
  if (!track) throw HttpError(404, "there is no such track", std::to_string(id));
  return std::move(*track);
}

HttpResponse events(Services& services, std::function<void(const Write& write)> send) {
  auto held = std::make_shared<Slots::Held>(services.streams.take());
  HttpResponse response;
  response.type = "text/event-stream";
  response.stream = [held, send = std::move(send)](const Write& write) { send(write); };
  return std::move(response).with("X-Accel-Buffering", "no");
}

std::string event_text(const char* name, const nlohmann::json& data) {
  return fmt::format("event: {}\ndata: {}\n\n", name,
                     data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::shared_ptr<const ServedFile> file_of(const Services& services, const CatalogueTrack& track) {
  auto roots = services.library.roots();
  if (roots.empty()) throw HttpError(404, "the folders of the library are not there", track.path.filename().string());
  return std::make_shared<const ServedFile>(track.path, roots);
}

}  // namespace genrewise::server
