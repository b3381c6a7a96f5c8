// The routes of genrewise serve: requests, one file each, for a library of five files, a run and a dataset.
#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "audio/wav_writer.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/library/scan.hpp"
#include "genrewise/models/model.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "head.hpp"
#include "services.hpp"
#include "targets.hpp"

namespace genrewise::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr int kRate_hz = 8000, kSamples = 4000;

/// A mono WAV file.
std::string wav(int period) {
  std::vector<std::int16_t> samples(kSamples);
  for (int i = 0; i < kSamples; ++i) samples[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(i % period * 256);
  return testing::wav_of(samples, 1, kRate_hz);
}

void fit_model(const fs::path& path) {
  const auto set = make_feature_set("mfcc");
  const ClipExtractor extractor(*set);
  Matrix rows(6, set->size());
  std::vector<int> truth;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const std::string clip = wav(10 + static_cast<int>(i));
    require(extractor.extract(std::as_bytes(std::span(clip)), "clip.wav", {}, rows.row(i)).has_value());
    truth.push_back(static_cast<int>(i % 2));
  }
  Model model;
  model.labels = {"High", "Low"};
  model.recipe = set->recipe();
  model.columns = set->columns();
  model.classifier = make_classifier("gnb", {}, kDefaultSeed);
  model.classifier->fit({rows, truth, 2});
  save_model(model, path);
}

class Service {
 public:
  Service() {
    for (const char* name : {"a.wav", "Low/b.wav", "Low/c \"d\".wav", "line\nend.wav"})
      put_file(folder_ / "music", name, wav(20 + name[0] % 16));
    put_file(folder_ / "music", "damaged.wav", "RIFF");
    put_file(folder_ / "runs/train", "curves.csv", "epoch,loss\n1,0.5\n2,nan\n");
    fit_model(folder_ / "m.gwm");
    {
      Catalogue catalogue(folder_ / "library.db", Catalogue::Access::write);
      Runtime scanning{{.threads = 1}};
      scan_library(catalogue, {.roots = {folder_ / "music"}, .model = folder_ / "m.gwm", .isolation = {}}, scanning);
    }
    services_.emplace(server::ServerConfig{.model = folder_ / "m.gwm",
                                           .library = folder_ / "library.db",
                                           .runs = folder_ / "runs",
                                           .datasets = {(folder_ / "music").string()},
                                           .isolation = {}},
                      Runtime::current());
    server::add_service_routes(router_, *services_);
  }
  ~Service() {
    services_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  /// "LAST" in the request is the last plan, job or upload.
  void answer(std::string text) {
    for (std::size_t at = 0; !last_.empty() && (at = text.find("LAST", at)) != std::string::npos; at += last_.size())
      text.replace(at, 4, last_);
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const UseRuntime use(services_->requests);
    try {
      server::HttpRequest request = server::parse_head(text.substr(0, end + 4)).request;
      request.read_body = [&](const auto& take) { take(std::string_view(text).substr(end + 4)); };
      check(router_.find(request.method, request.path, request.values).handler(request));
    } catch (const std::exception& error) {
      const server::HttpError known = server::to_http_error(error);
      require(known.status() != 500);
      check(server::HttpResponse::of(known));
    }
    // The next request must not meet what this one started.
    const auto unfinished = [&] {
      const auto counts = services_->jobs.counts_by_state();
      return counts.at("queued") + counts.at("running") > 0;
    };
    while (unfinished()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  void check(const server::HttpResponse& response) {
    require(response.status >= 200 && response.status < 600);
    for (const auto& [name, value] : response.headers)
      require(std::ranges::all_of(value, [](unsigned char c) { return c >= 0x20 && c < 0x7f; }));
    if (response.stream) {
      std::size_t bytes = 0;
      response.stream([&](std::string_view piece) { return (bytes += piece.size()) < (1 << 20); });
    }
    if (response.type != "application/json") return;
    const auto json = nlohmann::json::parse(response.body);
    for (const char* name : {"plan", "job", "upload"})
      if (json.is_object() && json.contains(name) && json[name].is_string()) last_ = json[name];
  }

  const fs::path folder_ = scratch_folder().string() + "-server";
  std::optional<server::Services> services_;
  server::Router router_;
  std::string last_;
};

void routes(std::string_view input) {
  static Service service;
  for (const InputFile& request : parse_files(input)) service.answer(request.content);
}

const AddTargets added{{"routes", routes, true}};

}  // namespace
}  // namespace genrewise::fuzz
