#include "genrewise/data_source/prepare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/data_source/row_journal.hpp"
#include "genrewise/data_source/table_facts.hpp"
#include "genrewise/dataset/clip_identity.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/part_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

/// "<path><suffix>".
fs::path with_suffix(fs::path path, const char* suffix) {
  path += suffix;
  return path;
}

void check_output(const fs::path& output) {
  if (output.extension() != ".csv" && output.extension() != ".npy")
    throw Error("a feature table's name ends in .csv or .npy", output.string(), "choose one of these extensions");
  if (is_folder(output)) throw Error("is a folder", output.string(), "give the name of a file");
}

/// Whether a clip that could not be accessed may be now; other faults lie in its content.
bool is_worth_another_try(const Fault& fault) {
  return fault.reason == "cannot be read" || (fault.reason == "cannot be opened" && try_open_file(fault.where));
}

class Extraction {
 public:
  Extraction(const Dataset& dataset, const FeatureSet& set, const fs::path& output, Progress& progress)
      : dataset_(dataset), set_(set), output_(output_of(dataset, set, output)), progress_(progress) {
    std::string all = recipe_text(set.recipe());
    for (const ClipIdentity& identity : clip_identities(dataset)) {
      keys_.push_back(identity.key());
      all += keys_.back();
    }
    fingerprint_ = sha256_hex(all);
    result_.tracks = dataset.tracks.size();
  }

  PrepareResult run(int threads) {
    const Stopwatch watch;
    fetch_journal();
    RowJournal journal(journal_path(), sha256_hex(recipe_text(set_.recipe())), set_.size());
    // This run holds the output's lock, so leftover temporary files are from a killed run.
    for (const char* suffix : {"", ".json"}) remove_unfinished(with_suffix(output_, suffix));
    if (dataset_.part) condition_ = condition_on(sidecar_path(output_));
    if (!already_there()) {
      try {
        extract(journal, take_over_rows(journal), threads);
      } catch (const Interrupted&) {
        store_journal();
        throw;
      }
      if (result_.extracted + result_.reused == 0 && !dataset_.part) {
        journal.remove();
        throw_unusable();
      }
      try {
        write_table(journal);
      } catch (const WriteConflict&) {
        take_over_part();
      }
    }
    journal.remove();
    if (dataset_.part && is_stored()) remove_file(stored_journal());
    result_.extract_s = watch.seconds();
    return std::move(result_);
  }

 private:
  // The file that this run writes: of a part, one in the folder of parts, which are compared with each other here.
  static fs::path output_of(const Dataset& dataset, const FeatureSet& set, const fs::path& output) {
    check_output(output);
    if (!dataset.part) return output;
    const FeatureRecipe& recipe = set.recipe();
    const PartFolder folder(output);
    folder.begin({dataset.part->part.count,
                  {{"feature set", fmt::format("{}, version {}, hash {}", recipe.name, recipe.version, recipe.hash)},
                   {"dataset", fmt::format("{} of {} tracks, {}", dataset.name, dataset.part->tracks,
                                           dataset.part->sha256.substr(0, 16))}}});
    return folder.part(dataset.part->part);
  }

  bool is_stored() const { return local_work_path(output_) != output_; }
  fs::path stored_journal() const { return with_suffix(output_, ".partial"); }

  // A part whose machine is taken away continues on another one.
  void store_journal() const try {
    if (!dataset_.part || !is_stored()) return;
    const HoldInterrupts hold;
    upload_file(journal_path(), stored_journal());
  } catch (const Error& error) {
    progress_.note("the finished rows of this part stay on this machine only: " + std::string(error.what()));
  }

  void fetch_journal() const {
    if (!dataset_.part || !is_stored() || path_exists(journal_path()) || !file_exists(stored_journal())) return;
    upload_file(stored_journal(), journal_path());
  }

  // Another machine has finished this part meanwhile: from the same clips, or there is an error.
  void take_over_part() {
    constexpr int kAttempts = 60;  // it writes two files
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (already_there()) return;
      sleep_unless_interrupted(std::chrono::milliseconds(500));
    }
    throw Error("another run has written a part of this number meanwhile, from other files", output_.string(),
                "start this part again");
  }

  static WriteCondition condition_on(const fs::path& file) {
    const auto found = find_file(file);
    return found ? WriteCondition::unchanged(found->version) : WriteCondition::absent();
  }

  // Finished rows are stored beside the table, or on this machine if the table is in an object store.
  fs::path journal_path() const {
    const fs::path work = local_work_path(output_);
    if (work != output_) make_folders(work.parent_path());
    return with_suffix(work, ".partial");
  }

  bool already_there() {
    const auto table = find_file(output_);
    if (!table) return false;
    auto facts = intact_facts();
    if (!facts || facts->fingerprint != fingerprint_) return false;
    if (facts->bytes != 0 && facts->bytes != table->bytes) return false;  // truncated
    if (std::ranges::any_of(facts->skipped, is_worth_another_try)) return false;
    result_.skipped = std::move(facts->skipped);
    result_.reused = result_.tracks - result_.skipped.size();
    refresh_facts(*facts);
    progress_.note(fmt::format("using {} rows of {}", result_.reused, output_.string()));
    return true;
  }

  // Facts of the existing table; empty if they are damaged, so that the table is recreated.
  std::optional<TableFacts> intact_facts() const {
    try {
      return read_table_facts(output_);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  // Takes over the rows of a finished table of this recipe whose clips have not changed. Returns their number.
  std::size_t take_over_rows(RowJournal& journal) const {
    if (!file_exists(output_)) return 0;
    const auto facts = intact_facts();
    if (!facts || facts->recipe != set_.recipe() || facts->identities.empty()) return 0;
    const std::set<std::string_view> needed(keys_.begin(), keys_.end());
    std::size_t rows = 0;
    try {
      const FeatureTable table = read_feature_table(output_);
      if (table.values.rows() != facts->identities.size() || table.columns != set_.columns()) return 0;
      for (std::size_t row = 0; row < table.values.rows(); ++row) {
        const std::string& key = facts->identities[row];
        if (!needed.contains(key) || journal.has(key)) continue;
        journal.append(key, table.values.row(row));
        ++rows;
      }
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {  // an unreadable table is recreated, unless the journal fails
      if (error.where() == journal_path().string()) throw;
    }
    if (rows > 0) progress_.note(fmt::format("using {} rows of {}", rows, output_.string()));
    return rows;
  }

  void extract(RowJournal& journal, std::size_t taken_over, int threads) {
    std::vector<std::size_t> pending;
    for (std::size_t i = 0; i < keys_.size(); ++i)
      if (!journal.has(keys_[i])) pending.push_back(i);
    result_.reused = keys_.size() - pending.size();
    if (result_.reused > taken_over)
      progress_.note(fmt::format("continuing: {} of {} clips are ready from an earlier run",
                                 result_.reused - taken_over, keys_.size()));
    if (threads <= 0) threads = thread_budget();
    const ClipExtractor extractor(set_);
    std::vector<std::vector<float>> rows(static_cast<std::size_t>(threads), std::vector<float>(set_.size()));
    std::map<std::size_t, Fault> faults;  // by track
    std::mutex faults_mutex;
    progress_.begin("extracting " + set_.recipe().name, "clips", keys_.size(), result_.reused);
    parallel_for(
        pending.size(),
        [&](std::size_t item, int worker) {
          const std::size_t track = pending[item];
          std::vector<float>& row = rows[static_cast<std::size_t>(worker)];
          const Track& clip = dataset_.tracks[track];
          if (auto extracted = extractor.extract(clip.path, clip.clip, row); extracted) {
            journal.append(keys_[track], row);
          } else {
            const std::lock_guard lock(faults_mutex);
            faults.emplace(track, std::move(extracted.error()));
          }
          progress_.advance();
        },
        threads);
    progress_.finish();
    result_.extracted = pending.size() - faults.size();
    for (auto& [track, fault] : faults) result_.skipped.push_back(std::move(fault));
  }

  void write_table(const RowJournal& journal) {
    FeatureTableWriter writer(output_, set_.recipe(), set_.columns(), result_.extracted + result_.reused, condition_);
    std::vector<float> row(set_.size());
    std::vector<std::size_t> tracks;  // of the rows
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (!journal.has(keys_[i])) continue;
      throw_if_interrupted();
      journal.read(keys_[i], row);
      writer.add(dataset_.tracks[i].id, row);
      tracks.push_back(i);
    }
    TableFacts facts = facts_of(tracks);
    facts.bytes = writer.bytes();
    writer.commit(to_json(facts));
  }

  // The rows have not changed, but genres, artists or parts may have been corrected since.
  void refresh_facts(const TableFacts& there) const {
    const std::set<std::string_view> identities(there.identities.begin(), there.identities.end());
    std::vector<std::size_t> tracks;
    for (std::size_t i = 0; i < keys_.size(); ++i)
      if (identities.contains(keys_[i])) tracks.push_back(i);
    if (tracks.size() != result_.reused) return;  // written by an earlier version
    TableFacts now = facts_of(tracks);
    now.bytes = there.bytes;
    if (!same_examples(there, now)) replace_table_facts(output_, now);
  }

  TableFacts facts_of(const std::vector<std::size_t>& tracks) const {
    TableFacts facts{.dataset = dataset_.name,
                     .kind = dataset_.kind,
                     .tracks = result_.tracks,
                     .fingerprint = fingerprint_,
                     .skipped = result_.skipped,
                     .recipe = {},
                     .identities = {},
                     .subjects = select_subjects(subjects_of(dataset_), tracks),
                     .part = {}};
    for (std::string& file : facts.subjects.tracks) {
      const std::string within = fs::path(file).lexically_relative(dataset_.root).string();
      if (!within.empty()) file = within;
    }
    for (const std::size_t track : tracks) facts.identities.push_back(keys_[track]);
    if (!dataset_.part) return facts;
    facts.part = TablePart{dataset_.part->part, {}};
    for (std::size_t i = 0, row = 0; i < keys_.size(); ++i) {
      if (row < tracks.size() && tracks[row] == i)
        ++row;
      else
        facts.part->skipped_keys.emplace_back(i, keys_[i]);
    }
    return facts;
  }

  [[noreturn]] void throw_unusable() const {
    const std::string first = result_.skipped.empty() ? "" : "; the first is " + to_string(result_.skipped.front());
    throw Error(
        fmt::format("none of its {} clips could be used ({}){}", result_.tracks, counts_text(result_.skipped), first),
        dataset_.name, "check it with `genrewise inspect`");
  }

  const Dataset& dataset_;
  const FeatureSet& set_;
  const fs::path output_;
  Progress& progress_;
  std::vector<std::string> keys_;  // by track
  std::string fingerprint_;
  WriteCondition condition_;  // on the table's .json
  PrepareResult result_;
};

}  // namespace

PrepareResult extract_features(const Dataset& dataset, const FeatureSet& set, const fs::path& output,
                               Progress& progress, int threads) {
  return Extraction(dataset, set, output, progress).run(threads);
}

}  // namespace genrewise
