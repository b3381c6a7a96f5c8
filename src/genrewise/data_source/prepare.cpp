#include "genrewise/data_source/prepare.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/data_source/row_journal.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path with_suffix(const fs::path& path, const char* suffix) {
  return path.string() + suffix;
}

// What a row depends on besides the recipe. The folder does not count, so that a dataset may move; whether the file may
// be read counts, so that what was skipped for want of rights is tried again once they are given.
std::string key_of(const Track& track) {
  struct stat status {};
  const bool known = ::stat(track.path.c_str(), &status) == 0;
  const auto text = [](double number) { return json(number).dump(); };
  std::string facts;
  for (const std::string& fact :
       {track.id, track.path.filename().string(), std::to_string(known ? status.st_size : -1),
        std::to_string(::access(track.path.c_str(), R_OK)), std::to_string(status.st_mtim.tv_sec),
        std::to_string(status.st_mtim.tv_nsec), track.clip.start_s ? text(*track.clip.start_s) : std::string("centre"),
        text(track.clip.duration_s), text(track.clip.slack_s)}) {
    facts += fact;
    facts += '\0';
  }
  return sha256_hex(facts).substr(0, RowJournal::kKeyLength);
}

std::string recipe_text(const FeatureRecipe& recipe) {
  return recipe.name + '\0' + std::to_string(recipe.version) + '\0' + recipe.hash + '\0';
}

void check_output(const fs::path& output) {
  if (output.extension() != ".csv" && output.extension() != ".npy")
    throw Error("a feature table's name ends in .csv or .npy", output.string(), "choose such a name");
  if (folder_exists(output)) throw Error("is a folder", output.string(), "name a file");
}

class Extraction {
 public:
  Extraction(const Dataset& dataset, const FeatureSet& set, const fs::path& output, Progress& progress)
      : dataset_(dataset), set_(set), output_(output), progress_(progress) {
    std::string all = recipe_text(set.recipe());
    for (const Track& track : dataset.tracks) {
      keys_.push_back(key_of(track));
      all += keys_.back();
    }
    fingerprint_ = sha256_hex(all);
    result_.tracks = dataset.tracks.size();
  }

  PrepareResult run(int threads) {
    check_output(output_);
    const auto started = std::chrono::steady_clock::now();
    RowJournal journal(journal_path(), sha256_hex(recipe_text(set_.recipe())), set_.size());
    // We hold the output's lock, so nobody is writing what a killed run left.
    for (const char* ending : {".", ".json."}) remove_unfinished(with_suffix(output_, ending));
    if (!already_there()) {
      extract(journal, threads);
      if (result_.extracted + result_.reused == 0) {
        journal.remove();
        throw_unusable();
      }
      write_table(journal);
    }
    journal.remove();
    result_.extract_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return std::move(result_);
  }

 private:
  // Rows that are ready lie beside the table, or on this machine when the table goes to an object store.
  fs::path journal_path() const {
    const fs::path work = local_work_path(output_);
    if (work != output_) make_folders(work.parent_path());
    return with_suffix(work, ".partial");
  }

  bool already_there() {
    const fs::path facts_path = with_suffix(output_, ".json");
    if (!file_exists(output_) || !file_exists(facts_path)) return false;
    try {
      const json facts = json::parse(read_file(facts_path));
      if (facts.at("source").at("fingerprint") != fingerprint_) return false;
      for (const json& fault : facts.at("skipped"))
        result_.skipped.push_back({fault.at("reason"), fault.at("where"), fault.at("detail")});
    } catch (const json::exception&) {  // of another program, or damaged: made anew
      result_.skipped.clear();
      return false;
    }
    result_.reused = result_.tracks - result_.skipped.size();
    return true;
  }

  void extract(RowJournal& journal, int threads) {
    std::vector<std::size_t> pending;
    for (std::size_t i = 0; i < keys_.size(); ++i)
      if (!journal.has(keys_[i])) pending.push_back(i);
    result_.reused = keys_.size() - pending.size();
    if (result_.reused > 0)
      progress_.note("going on: " + std::to_string(result_.reused) + " of " + std::to_string(keys_.size()) +
                     " clips are ready from an earlier run");
    if (threads <= 0) threads = thread_budget();
    std::vector<Worker> workers(static_cast<std::size_t>(threads));
    std::map<std::size_t, Fault> faults;  // by track
    std::mutex faults_mutex;
    progress_.begin("extracting " + set_.recipe().name, "clips", keys_.size(), result_.reused);
    parallel_for(
        pending.size(),
        [&](std::size_t item, int worker) {
          const std::size_t track = pending[item];
          if (auto fault = extract_one(track, workers[static_cast<std::size_t>(worker)], journal)) {
            const std::lock_guard lock(faults_mutex);
            faults.emplace(track, std::move(*fault));
          }
          progress_.advance();
        },
        threads);
    progress_.finish();
    result_.extracted = pending.size() - faults.size();
    for (auto& [track, fault] : faults) result_.skipped.push_back(std::move(fault));
  }

  struct Worker {
    std::unique_ptr<FeatureSet::Scratch> scratch;
    std::vector<float> row;
  };

  std::optional<Fault> extract_one(std::size_t index, Worker& worker, RowJournal& journal) const {
    if (!worker.scratch) {
      worker.scratch = set_.make_scratch();
      worker.row.resize(set_.size());
    }
    const Track& track = dataset_.tracks[index];
    DecodeOptions options{.clip = track.clip, .sample_rate_hz = std::nullopt};
    if (set_.sample_rate_hz() > 0) options.sample_rate_hz = set_.sample_rate_hz();
    const auto clip = decode_file(track.path, options);
    if (!clip) return clip.error();
    if (const auto extracted = set_.extract(*clip, worker.row, *worker.scratch); !extracted) {
      Fault fault = extracted.error();
      if (fault.where.empty()) fault.where = track.path.string();
      return fault;
    }
    journal.append(keys_[index], worker.row);
    return std::nullopt;
  }

  void write_table(const RowJournal& journal) {
    FeatureTableWriter writer(output_, set_.recipe(), set_.columns(), result_.extracted + result_.reused);
    std::vector<float> row(set_.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (!journal.has(keys_[i])) continue;
      throw_if_interrupted();
      journal.read(keys_[i], row);
      writer.add(dataset_.tracks[i].id, row);
    }
    writer.commit();
    write_facts();
  }

  void write_facts() const {
    const fs::path path = with_suffix(output_, ".json");
    json facts = json::parse(read_file(path));
    facts["source"] = {
        {"dataset", dataset_.name}, {"kind", dataset_.kind}, {"tracks", result_.tracks}, {"fingerprint", fingerprint_}};
    facts["skipped"] = json::array();
    for (const Fault& fault : result_.skipped)
      facts["skipped"].push_back({{"where", fault.where}, {"reason", fault.reason}, {"detail", fault.detail}});
    write_file(path, facts.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
  }

  [[noreturn]] void throw_unusable() const {
    std::map<std::string, std::size_t> reasons;
    for (const Fault& fault : result_.skipped) ++reasons[fault.reason];
    std::string counts;
    for (const auto& [reason, count] : reasons)
      counts += (counts.empty() ? "" : ", ") + std::to_string(count) + " " + reason;
    const std::string first = result_.skipped.empty() ? "" : "; the first is " + to_string(result_.skipped.front());
    throw Error("none of its " + std::to_string(result_.tracks) + " clips could be used (" + counts + ")" + first,
                dataset_.name, "look at it with `genrewise inspect`");
  }

  const Dataset& dataset_;
  const FeatureSet& set_;
  const fs::path output_;
  Progress& progress_;
  std::vector<std::string> keys_;  // by track
  std::string fingerprint_;
  PrepareResult result_;
};

}  // namespace

PrepareResult extract_features(const Dataset& dataset, const FeatureSet& set, const fs::path& output,
                               Progress& progress, int threads) {
  return Extraction(dataset, set, output, progress).run(threads);
}

}  // namespace genrewise
