#include "genrewise/library/scan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/dataset/find_audio.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/library/stored.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFingerprintBytes = std::uint64_t{512} << 10;
constexpr std::size_t kFingerprintDigits = 24;
constexpr char kChanged[] = "changed while it was scanned";

struct FileState {
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;
  friend bool operator==(const FileState&, const FileState&) = default;
};
FileState state_of(const CatalogueTrack& track) {
  return {track.bytes, track.modified_ns};
}
/// Nothing for what is no file.
std::optional<FileState> state_of(const fs::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
  constexpr std::int64_t kSecond = 1'000'000'000, kLatest = std::numeric_limits<std::int64_t>::max() / kSecond - 1;
  const std::int64_t seconds = std::clamp<std::int64_t>(found.st_mtim.tv_sec, -kLatest, kLatest);  // years 1677 to 2262
  return FileState{static_cast<std::uint64_t>(found.st_size), seconds * kSecond + found.st_mtim.tv_nsec};
}

/// Whether a fault may be gone although the file is the same.
bool is_transient(const std::string& fault) {
  return fault == "cannot be opened" || fault == "cannot be read" || fault == kChanged;
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const std::string &inner = path.native(), &outer = folder.native();
  return inner.starts_with(outer) &&
         (inner.size() == outer.size() || outer.ends_with('/') || inner[outer.size()] == '/');
}

/// Collects changes from any thread in transactions of about two seconds, so that an interrupted scan keeps its work.
class Changes {
 public:
  explicit Changes(Database& database) : database_(database) {}
  ~Changes() {
    try {
      finish();
    } catch (...) {  // the exception that ended the scan is reported
    }
  }
  template <class Change>
  void make(const Change& change) {
    const std::lock_guard lock(mutex_);
    if (!open_) database_.script("BEGIN IMMEDIATE");
    if (!open_) since_ = {};
    open_ = true;
    try {
      change();
    } catch (...) {
      open_ = false;
      database_.roll_back();
      throw;
    }
    if (since_.seconds() > kSeconds) finish();
  }
  void finish() {
    if (std::exchange(open_, false)) database_.script("COMMIT");
  }

 private:
  static constexpr double kSeconds = 2;
  Database& database_;
  std::mutex mutex_;
  bool open_ = false;
  Stopwatch since_;
};

/// Copies what was computed from the same audio, and the correction where there is none.
void copy_analysis(Database& database, const CatalogueTrack& from, CatalogueTrack& to) {
  if (to.correction.empty()) to.correction = from.correction;
  static_cast<TrackAnalysis&>(to) = from;
  to.id = write_track(database, to);
  database.run("REPLACE INTO segments SELECT ?, windows FROM segments WHERE track = ?", to.id, from.id);
  database.run("REPLACE INTO features (track, recipe, row) SELECT ?, recipe, row FROM features WHERE track = ?", to.id,
               from.id);
}

/// Keeps what is known of the track itself.
void clear_analysis(Database& database, CatalogueTrack& track) {
  database.run("DELETE FROM segments WHERE track = ?", track.id);
  database.run("DELETE FROM features WHERE track = ?", track.id);
  static_cast<TrackAnalysis&>(track) = {};
}

class Scan {
 public:
  Scan(Catalogue& catalogue, const ScanConfig& config, Progress& progress)
      : catalogue_(catalogue),
        database_(catalogue.database()),
        config_(config),
        progress_(progress),
        predictor_(open_predictor(
            choice(), {.windows = config.windows, .max_error = config.max_error.value_or(kMaxError)}, progress)) {
    std::vector<const FeatureSet*> sets = {&predictor_.features()};
    for (const std::string& name : config.features)
      if (name != predictor_.features().recipe().name)
        sets.push_back(extras_.emplace_back(make_feature_set(name)).set.get());
    extractor_.emplace(std::move(sets));
    database_.transaction([&] {
      keep_model();
      recipe_ = recipe_id(database_, model_.recipe, predictor_.features().size());
      for (Extra& extra : extras_) extra.recipe = recipe_id(database_, extra.set->recipe(), extra.set->size());
    });
  }

  ScanResult run() {
    const Stopwatch watch;
    walk();
    identify();
    database_.transaction(
        [&] { result_.predicted = predict_stored(catalogue_, predictor_, model_, progress_).tracks; });
    analyse();
    for (const fs::path& root : scanned_)
      database_.run("UPDATE roots SET scanned_s = ? WHERE path = ?", std::int64_t{std::time(nullptr)}, root.string());
    result_.seconds = watch.seconds();
    return std::move(result_);
  }

 private:
  struct Extra {
    explicit Extra(std::unique_ptr<FeatureSet> features) : set(std::move(features)) {}
    std::unique_ptr<FeatureSet> set;
    std::int64_t recipe = 0;
  };
  /// A file to analyse; the others have the same audio.
  struct Work {
    CatalogueTrack track;
    std::vector<std::int64_t> others;
  };

  ModelChoice choice() const {
    if (!config_.model.empty()) return {catalogue_path(config_.model), config_.zero_shot, config_.genres};
    const auto current = catalogue_.current_model();
    if (config_.zero_shot || !config_.genres.empty() || !current) return {{}, true, config_.genres};
    if (current->name != kZeroShot) return {current->name, false, {}};
    return {{}, true, fmt::format("{}", fmt::join(current->labels, ","))};
  }

  void keep_model() {
    const fs::path file = choice().model;
    model_.name = file.empty() ? kZeroShot : file.string();
    model_.labels = predictor_.labels();
    model_.recipe = predictor_.features().recipe();
    model_.sha256 = sha256_hex(
        file.empty() ? fmt::format("{}\n{}\n{}", kZeroShot, model_.recipe.hash, fmt::join(model_.labels, "\n"))
                     : read_file(file));
    model_.threshold = threshold_of(predictor_);
    if (model_.threshold) {
      for (const CatalogueModel& known : catalogue_.models())
        if (known.sha256 == model_.sha256 && !config_.max_error) model_.threshold = known.threshold;
    } else if (config_.max_error) {
      throw UsageError("the model stores no threshold of confidence", "--max-error", "leave the option out");
    } else {
      progress_.note(model_.name + " stores no threshold of confidence, so no track is marked unknown");
    }
    model_.id = write_model(database_, model_, predictor_.features().size());
  }

  struct Known {
    std::int64_t id = 0;
    FileState state;
    bool missing = false, seen = false;
    std::string fault;
  };

  /// Finds the files; marks tracks that are missing or back; sets `pending_` to new and changed files.
  void walk() {
    std::unordered_map<std::string, Known> known;
    auto rows = database_.query("SELECT path, id, bytes, modified_ns, missing, fault FROM tracks");
    while (rows.next())
      known.emplace(rows.text(0), Known{rows.integer(1),
                                        {static_cast<std::uint64_t>(rows.integer(2)), rows.integer(3)},
                                        rows.integer(4) != 0,
                                        false,
                                        rows.text(5)});
    roots_ = catalogue_.roots();
    std::vector<fs::path> unreadable, roots = config_.roots.empty() ? roots_ : config_.roots;
    for (fs::path& root : roots) roots_.push_back(root = catalogue_path(root));
    if (roots.empty()) throw UsageError("the catalogue has no folders yet", "FOLDER", "name a folder of music to scan");
    progress_.begin("looking for files", "files", 0);
    std::vector<std::int64_t> returned, gone;
    for (const fs::path& root : roots) {
      std::vector<Fault> faults;
      std::vector<fs::path> found;
      const auto has_tracks = [&] {
        return std::ranges::any_of(known, [&](const auto& one) { return is_inside(one.first, root); });
      };
      std::error_code ignored;
      if (fs::exists(root, ignored) || !has_tracks()) found = find_audio({&root, 1}, faults);
      if (found.empty() && has_tracks()) {
        result_.unavailable.push_back(root.string());
        continue;
      }
      for (Fault& fault : faults) {
        if (fault.reason == "folder cannot be read") unreadable.emplace_back(fault.where);
        result_.skipped.push_back(std::move(fault));
      }
      if (!found.empty()) scanned_.push_back(root);
      for (const fs::path& path : found) look_at(path, known, returned);
      progress_.advance(found.size());
    }
    const auto within = [](const std::string& path, const std::vector<fs::path>& folders) {
      return std::ranges::any_of(folders, [&](const fs::path& folder) { return is_inside(path, folder); });
    };
    for (const auto& [path, track] : known)
      if (!track.seen && !track.missing && within(path, scanned_) && !within(path, unreadable))
        gone.push_back(track.id);
    result_.missing = gone.size();
    result_.returned = returned.size();
    progress_.finish();
    database_.transaction([&] {
      for (const fs::path& root : scanned_)
        database_.run("INSERT OR IGNORE INTO roots (path) VALUES (?)", root.string());
      for (const std::int64_t id : gone) database_.run("UPDATE tracks SET missing = 1 WHERE id = ?", id);
      for (const std::int64_t id : returned) database_.run("UPDATE tracks SET missing = 0 WHERE id = ?", id);
    });
  }

  /// Whether a path leads through a link to a file that is found without it, in the same or another root.
  bool is_link(const fs::path& path) const {
    std::error_code code;
    const fs::path real = fs::canonical(path, code);
    const auto is_found_in = [&](const fs::path& root) {
      return is_inside(real.string(), root) && real.string().find("/.", root.string().size()) == std::string::npos;
    };
    return !code && real != path && looks_like_audio(real) && std::ranges::any_of(roots_, is_found_in);
  }

  void look_at(const fs::path& path, std::unordered_map<std::string, Known>& known,
               std::vector<std::int64_t>& returned) {
    const auto state = state_of(path);
    const auto found = known.find(path.string());
    if (found != known.end() && std::exchange(found->second.seen, true)) return;
    if (!state) {
      result_.skipped.push_back({"cannot be opened", path.string(), "no file, or a link to nowhere"});
    } else if (found == known.end() && is_link(path)) {
      return;
    } else if (found == known.end() || found->second.state != *state) {
      pending_.insert(path.string());
    } else if (const std::string& fault = found->second.fault;
               !fault.empty() && (config_.retry || is_transient(fault))) {
      pending_.insert(path.string());
    } else {
      if (found->second.missing) returned.push_back(found->second.id);
      ++(fault.empty() ? result_.unchanged : result_.skipped_before);
    }
  }

  /// Reads tags and fingerprints of new and changed files, and finds out what they are.
  void identify() {
    std::vector<std::string> paths(pending_.begin(), pending_.end());
    std::ranges::sort(paths);
    progress_.begin("reading tags", "files", paths.size());
    Changes changes(database_);
    parallel_for(paths.size(), [&](std::size_t i, int) {
      const fs::path path = paths[i];
      const auto before = state_of(path);
      const Expected<Tags> tags = read_tags(path);
      const Expected<std::string> hash = audio_hash(path, kFingerprintBytes);
      std::optional<Fault> fault;
      if (!hash) fault = hash.error();
      if (!before || before != state_of(path)) fault = Fault{kChanged, path.string(), {}};
      changes.make([&] {
        pending_.erase(paths[i]);
        identified(path, before.value_or(FileState{}), tags ? *tags : Tags{},
                   fault ? std::string() : hash->substr(0, kFingerprintDigits), fault);
      });
      progress_.advance();
    });
    changes.finish();
    progress_.finish();
  }

  void identified(const fs::path& path, const FileState& state, const Tags& tags, std::string fingerprint,
                  const std::optional<Fault>& fault) {
    std::optional<CatalogueTrack> track = catalogue_.track(path);
    const auto is_gone = [&](const CatalogueTrack& one) { return one.missing || pending_.contains(one.path.string()); };
    bool same_audio = track && !fault && track->fingerprint == fingerprint;
    std::optional<CatalogueTrack> twin;
    if (!fault && !same_audio) twin = twin_of(path, fingerprint);
    if (twin && (track || !is_copy(path, state, *twin, is_gone(*twin)))) {  // files may begin alike, as with silence
      const std::string whole = whole_hash(path), digits = whole.substr(0, kFingerprintDigits);
      const auto is_another = [&] {
        return is_gone(*twin) ? twin_of(path, digits).has_value() : whole_hash(twin->path) != whole;
      };
      same_audio = !whole.empty() && track && track->fingerprint == digits;
      if (same_audio || (!whole.empty() && is_another())) {
        fingerprint = digits;
        twin.reset();
        if (!same_audio) twin = twin_of(path, fingerprint);
      }
    }
    if (twin && is_gone(*twin)) {
      if (track) exchange_paths(*track, *twin);
      track = std::exchange(twin, std::nullopt);
      ++result_.moved;
    } else {
      ++(track ? result_.changed : result_.added);
      if (track && fault && is_transient(fault->reason)) return skip(*track, *fault);
      if (!track) track.emplace().added_s = std::time(nullptr);
      if (!same_audio) clear_analysis(database_, *track);
    }
    track->path = path;
    track->missing = false;
    track->bytes = state.bytes;
    track->modified_ns = state.modified_ns;
    track->fingerprint = fingerprint;
    track->tags = tags;
    track->fault.clear();
    track->fault_detail.clear();
    if (twin) copy_analysis(database_, *twin, *track);
    if (fault) return skip(*track, *fault);
    write_track(database_, *track);
  }

  /// Whether it is the same file, or, where the other is gone, has its name and size.
  static bool is_copy(const fs::path& path, const FileState& state, const CatalogueTrack& twin, bool is_gone) {
    if (is_gone) return twin.path.filename() == path.filename() && twin.bytes == state.bytes;
    std::error_code ignored;
    return fs::equivalent(path, twin.path, ignored);
  }

  /// audio_hash() of the whole file, which may be asked for many times; empty if it cannot be read.
  const std::string& whole_hash(const fs::path& path) {
    const auto [found, is_new] = whole_.try_emplace(path.string());
    if (is_new) found->second = audio_hash(path).value_or("");
    return found->second;
  }

  /// Another track with the same audio, rather one whose file is gone, of the same name, or with a correction.
  std::optional<CatalogueTrack> twin_of(const fs::path& path, const std::string& fingerprint) {
    const std::string name = "/" + path.filename().string();
    auto rows = database_.query(
        "SELECT id FROM tracks WHERE fingerprint = ? AND path != ? "
        "ORDER BY missing DESC, substr(path, -length(?)) = ? DESC, correction = '', model IS NULL, id "
        "LIMIT 1",
        fingerprint, path.string(), name, name);
    return rows.next() ? catalogue_.track(rows.integer(0)) : std::nullopt;
  }

  void exchange_paths(CatalogueTrack& one, CatalogueTrack& other) {
    database_.run("UPDATE tracks SET path = '' WHERE id = ?", other.id);
    const fs::path path = one.path;
    one.path = other.path;
    one.missing = other.missing;
    write_track(database_, one);
    other.path = path;
    write_track(database_, other);
  }

  void skip(CatalogueTrack& track, const Fault& fault) {
    track.fault = fault.reason;
    track.fault_detail = fault.detail;
    track.id = write_track(database_, track);
    result_.skipped.push_back(fault);
  }

  /// By index in extras_.
  std::vector<std::size_t> extras_missing_for(std::int64_t track) {
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < extras_.size(); ++i)
      if (!database_.query("SELECT 1 FROM features WHERE track = ? AND recipe = ?", track, extras_[i].recipe).next())
        missing.push_back(i);
    return missing;
  }

  std::vector<Work> work() {
    std::vector<Work> work;
    std::unordered_map<std::string, std::size_t> first;  // by fingerprint
    auto rows = database_.query(
        fmt::format("SELECT {} FROM tracks WHERE missing = 0 AND fault = '' AND (? OR model IS NOT ?) ORDER BY path",
                    kTrackColumns),
        !extras_.empty(), model_.id);
    while (rows.next()) {
      CatalogueTrack track = read_track(rows);
      if (std::ranges::none_of(scanned_, [&](const fs::path& root) { return is_inside(track.path, root); })) continue;
      if (track.model == model_.id && extras_missing_for(track.id).empty()) continue;
      const auto [found, is_first] = first.emplace(track.fingerprint, work.size());
      if (is_first) {
        work.push_back({std::move(track), {}});
      } else {
        work[found->second].others.push_back(track.id);
      }
    }
    return work;
  }

  void analyse() {
    std::vector<Work> all = work();
    progress_.begin("analysing", "files", all.size());
    Changes changes(database_);
    std::vector<std::vector<std::size_t>> extras(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) extras[i] = extras_missing_for(all[i].track.id);
    parallel_for(all.size(), [&](std::size_t i, int) {
      analyse(all[i], extras[i], changes);
      progress_.advance();
    });
    changes.finish();
    progress_.finish();
  }

  void analyse(Work& work, const std::vector<std::size_t>& extras, Changes& changes) {
    CatalogueTrack& track = work.track;
    std::optional<Fault> fault;
    std::optional<Prediction> prediction;
    std::vector<std::vector<float>> rows;  // of the extras
    for (const std::size_t extra : extras) rows.emplace_back(extras_[extra].set->size());
    bool extracted = extras.empty();
    std::optional<Fault> fault_of_extras;
    // The extras and, unless it is empty, the model's row of the same clip.
    const auto extract_clip = [&](std::span<float> model_row) -> Expected<void> {
      std::vector<std::span<float>> all(1 + extras_.size());
      all[0] = model_row;
      for (std::size_t i = 0; i < extras.size(); ++i) all[1 + extras[i]] = rows[i];
      std::vector<Expected<void>> done = extractor_->extract(track.path, kDefaultClip, all);
      for (const std::size_t extra : extras)
        if (!done[1 + extra] && !fault_of_extras) fault_of_extras = done[1 + extra].error();
      extracted = true;
      return std::move(done[0]);
    };
    if (track.model != model_.id) {
      auto predicted = predictor_.predict_file(track.path, [&](const ClipRequest& window, std::span<float> row) {
        return window.start_s ? extractor_->extract(track.path, window, row) : extract_clip(row);
      });
      if (predicted) {
        prediction = std::move(*predicted);
      } else {
        fault = predicted.error();
      }
    }
    if (!fault && !extracted) extract_clip({});
    if (!fault) fault = fault_of_extras;
    if (state_of(track.path) != state_of(track)) fault = Fault{kChanged, track.path.string(), {}};
    changes.make([&] {
      if (fault) {
        skip(track, *fault);
      } else {
        keep(track, prediction, extras, rows);
      }
      for (const std::int64_t id : work.others)
        if (auto other = catalogue_.track(id); other && !is_transient(track.fault))
          copy_analysis(database_, track, *other);
    });
  }

  void keep(CatalogueTrack& track, const std::optional<Prediction>& prediction, const std::vector<std::size_t>& extras,
            const std::vector<std::vector<float>>& rows) {
    ++result_.analysed;
    if (prediction) {
      track.duration_s = prediction->duration_s;
      set_prediction(track, *prediction, model_);
      std::vector<Segment> segments;
      for (const WindowPrediction& window : prediction->windows)
        segments.push_back({window.start_s, window.duration_s, window.probabilities});
      write_segments(database_, track.id, segments);
      write_features(database_, track.id, recipe_, prediction->features);
      write_track(database_, track);
    }
    for (std::size_t i = 0; i < extras.size(); ++i)
      write_features(database_, track.id, extras_[extras[i]].recipe, rows[i]);
  }

  Catalogue& catalogue_;
  Database& database_;
  const ScanConfig& config_;
  Progress& progress_;
  Predictor predictor_;
  CatalogueModel model_;
  std::int64_t recipe_ = 0;  // of the model
  std::vector<Extra> extras_;
  std::optional<ClipExtractor> extractor_;   // the model's features and extras_
  std::vector<fs::path> roots_;              // of this and earlier scans
  std::vector<fs::path> scanned_;            // roots that were found
  std::unordered_set<std::string> pending_;  // new and changed files that are not identified yet
  std::unordered_map<std::string, std::string> whole_;
  ScanResult result_;
};

}  // namespace

ScanResult scan_library(Catalogue& catalogue, const ScanConfig& config, Runtime& runtime) {
  const UseRuntime use(runtime);
  isolate_decoding(config.isolation);
  return Scan(catalogue, config, runtime.progress()).run();
}

}  // namespace genrewise
