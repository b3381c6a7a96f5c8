#include "genrewise/data_source/prepare.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/data_source/feature_cache.hpp"
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

class NoUsableClip : public Error {
 public:
  using Error::Error;
};

/// One table while it is extracted.
class Extraction {
 public:
  /// `keys`: of the dataset's tracks. Locks the output and takes over what there is.
  Extraction(const Dataset& dataset, const std::vector<std::string>& keys, const TableOutput& output,
             const FeatureCache* cache, Progress& progress)
      : dataset_(dataset),
        keys_(keys),
        set_(*output.set),
        output_(output_of(dataset, output)),
        cache_(set_.size() <= FeatureCache::kMostColumns ? cache : nullptr),
        progress_(progress) {
    std::string all = recipe_text(set_.recipe());
    for (const std::string& key : keys_) all += key;
    fingerprint_ = sha256_hex(all);
    result_.tracks = dataset.tracks.size();
    fetch_journal();
    journal_.emplace(journal_path(), sha256_hex(recipe_text(set_.recipe())), set_.size());
    // This run holds the output's lock, so leftover temporary files are from a killed run.
    for (const char* suffix : {"", ".json"}) remove_unfinished(with_suffix(output_, suffix));
    if (dataset_.part) condition_ = condition_on(sidecar_path(output_));
    lacking_.resize(keys_.size());
    is_done_ = already_there();
    if (!is_done_) take_over_rows();
  }

  const FeatureSet& set() const { return set_; }
  /// Whether the row of a track is to be computed.
  bool lacks(std::size_t track) const { return lacking_[track]; }
  bool lacks_any() const { return std::ranges::count(lacking_, true) > 0; }
  /// Thread-safe, as skip().
  void add(std::size_t track, std::span<const float> row) { journal_->append(keys_[track], row); }
  void skip(std::size_t track, Fault fault) {
    const std::lock_guard lock(faults_mutex_);
    faults_.emplace(track, std::move(fault));
  }

  /// Writes the table. Throws Error if no track has a row.
  void finish() {
    if (!is_done_) {
      for (auto& [track, fault] : faults_) result_.skipped.push_back(std::move(fault));
      result_.extracted = result_.tracks - result_.reused - faults_.size();
      if (result_.extracted + result_.reused == 0 && !dataset_.part) {
        journal_->remove();
        throw_unusable();
      }
      // Before the table, which ends the work: a killed run leaves no part of it in the cache.
      if (cache_ != nullptr && (result_.extracted > 0 || continues_)) keep();
      try {
        write_table(output_, condition_);
      } catch (const WriteConflict&) {
        take_over_part();
      }
    }
    journal_->remove();
    if (dataset_.part && is_stored()) remove_file(stored_journal());
  }
  /// Call after an interruption: a part whose machine is taken away continues on another one.
  void store_journal() const try {
    if (!dataset_.part || !is_stored()) return;
    const HoldInterrupts hold;
    upload_file(journal_path(), stored_journal());
  } catch (const Error& error) {
    progress_.note("the finished rows of this part stay on this machine only: " + std::string(error.what()));
  }

  PrepareResult& result() { return result_; }

 private:
  // The file that this run writes: of a part, one in the folder of parts, which are compared with each other here.
  static fs::path output_of(const Dataset& dataset, const TableOutput& output) {
    if (!dataset.part) return output.location;
    const FeatureRecipe& recipe = output.set->recipe();
    const PartFolder folder(output.location);
    folder.begin({dataset.part->part.count,
                  {{"feature set", fmt::format("{}, version {}, hash {}", recipe.name, recipe.version, recipe.hash)},
                   {"dataset", fmt::format("{} of {} tracks, {}", dataset.name, dataset.part->tracks,
                                           dataset.part->sha256.substr(0, 16))}}});
    return folder.part(dataset.part->part);
  }

  bool is_stored() const { return local_work_path(output_) != output_; }
  fs::path stored_journal() const { return with_suffix(output_, ".partial"); }

  void fetch_journal() const {
    if (!dataset_.part || !is_stored() || path_exists(journal_path()) || !file_exists(stored_journal())) return;
    upload_file(stored_journal(), journal_path());
  }

  // Another machine has finished this part meanwhile: from the same clips, or there is an error.
  void take_over_part() {
    constexpr int kAttempts = 60;  // it writes two files
    result_.extracted = 0;
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
    auto facts = intact_facts(output_);
    if (!facts || facts->fingerprint != fingerprint_) return false;
    if (facts->bytes != 0 && facts->bytes != table->bytes) return false;  // truncated
    if (std::ranges::any_of(facts->skipped, is_worth_another_try)) return false;
    result_.skipped = std::move(facts->skipped);
    result_.reused = result_.tracks - result_.skipped.size();
    refresh_facts(*facts);
    progress_.note(fmt::format("using {} rows of {}", result_.reused, output_.string()));
    return true;
  }

  // Facts of an existing table; empty if they are damaged, so that the table is recreated.
  static std::optional<TableFacts> intact_facts(const fs::path& table) {
    try {
      return read_table_facts(table);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  // Takes over finished rows of an earlier run, and those of the existing table and of the cache whose clips have not
  // changed.
  void take_over_rows() {
    std::size_t of_tables = copy_rows(output_);
    const auto count_lacking = [&] {
      for (std::size_t i = 0; i < keys_.size(); ++i) lacking_[i] = !journal_->has(keys_[i]);
      return static_cast<std::size_t>(std::ranges::count(lacking_, true));
    };
    std::size_t lacking = count_lacking();
    for (const fs::path& table : cache_ != nullptr ? cache_->tables(set_.recipe()) : std::vector<fs::path>()) {
      if (lacking == 0) break;
      const std::size_t copied = copy_rows(table);
      if (copied > 0) FeatureCache::touch(table);
      of_tables += copied;
      lacking = count_lacking();
    }
    result_.reused = keys_.size() - lacking;
    continues_ = result_.reused > of_tables;
    if (continues_)
      progress_.note(fmt::format("continuing {}: {} of {} clips are ready from an earlier run", set_.recipe().name,
                                 result_.reused - of_tables, keys_.size()));
  }

  // Returns the number of rows.
  std::size_t copy_rows(const fs::path& table) {
    if (!file_exists(table)) return 0;
    const auto facts = intact_facts(table);
    if (!facts || facts->recipe != set_.recipe() || facts->identities.empty()) return 0;
    const std::set<std::string_view> needed(keys_.begin(), keys_.end());
    std::size_t rows = 0;
    try {
      for_each_row(table, [&](std::size_t row, std::span<const float> values) {
        if (row >= facts->identities.size() || values.size() != set_.size()) return;
        const std::string& key = facts->identities[row];
        if (!needed.contains(key) || journal_->has(key)) return;
        journal_->append(key, values);
        ++rows;
      });
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {  // an unreadable table is recreated, unless the journal fails
      if (error.where() == journal_path().string()) throw;
    }
    if (rows > 0) progress_.note(fmt::format("using {} rows of {}", rows, table.string()));
    return rows;
  }

  // The cache is a convenience: a table that cannot be written to it is reported and no error.
  void keep() const {
    try {
      const fs::path table = cache_->location(set_.recipe(), fingerprint_);
      write_table(table);
      cache_->tidy(set_.recipe(), table);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      progress_.note(fmt::format("the features are not kept for other runs: {}", error.what()));
    }
  }

  void write_table(const fs::path& table, const WriteCondition& condition = {}) const {
    FeatureTableWriter writer(table, set_.recipe(), set_.columns(), result_.extracted + result_.reused, condition);
    std::vector<float> row(set_.size());
    std::vector<std::size_t> tracks;  // of the rows
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (!journal_->has(keys_[i])) continue;
      throw_if_interrupted();
      journal_->read(keys_[i], row);
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
    throw NoUsableClip(
        fmt::format("none of its {} clips could be used ({}){}", result_.tracks, counts_text(result_.skipped), first),
        dataset_.name, "check it with `genrewise inspect`");
  }

  const Dataset& dataset_;
  const std::vector<std::string>& keys_;  // by track
  const FeatureSet& set_;
  const fs::path output_;
  const FeatureCache* const cache_;
  Progress& progress_;
  std::string fingerprint_;
  WriteCondition condition_;  // on the table's .json
  std::optional<RowJournal> journal_;
  bool is_done_ = false, continues_ = false;
  std::vector<bool> lacking_;  // by track
  std::mutex faults_mutex_;
  std::map<std::size_t, Fault> faults_;  // by track
  PrepareResult result_;
};

/// Decodes each track that a table lacks once, for all of these tables.
void extract(const Dataset& dataset, std::deque<Extraction>& tables, Progress& progress, int threads) {
  std::vector<std::size_t> pending;
  for (std::size_t i = 0; i < dataset.tracks.size(); ++i)
    if (std::ranges::any_of(tables, [&](const Extraction& table) { return table.lacks(i); })) pending.push_back(i);
  if (pending.empty()) return;
  if (threads <= 0) threads = thread_budget();
  std::vector<const FeatureSet*> sets;
  std::vector<std::string> names;
  for (const Extraction& table : tables) {
    sets.push_back(&table.set());
    if (table.lacks_any()) names.push_back(table.set().recipe().name);
  }
  const ClipExtractor extractor(sets);
  std::vector<std::vector<std::vector<float>>> rows(static_cast<std::size_t>(threads));  // by thread and table
  progress.begin(fmt::format("extracting {}", fmt::join(names, ", ")), "clips", dataset.tracks.size(),
                 dataset.tracks.size() - pending.size());
  parallel_for(
      pending.size(),
      [&](std::size_t item, int worker) {
        const Track& track = dataset.tracks[pending[item]];
        auto& own = rows[static_cast<std::size_t>(worker)];
        own.resize(sets.size());
        std::vector<std::span<float>> wanted(sets.size());
        for (std::size_t t = 0; t < sets.size(); ++t) {
          own[t].resize(sets[t]->size());
          if (tables[t].lacks(pending[item])) wanted[t] = own[t];
        }
        std::vector<Expected<void>> done = extractor.extract(track.path, track.clip, wanted);
        for (std::size_t t = 0; t < sets.size(); ++t) {
          if (wanted[t].empty()) continue;
          if (done[t]) {
            tables[t].add(pending[item], wanted[t]);
          } else {
            tables[t].skip(pending[item], std::move(done[t].error()));
          }
        }
        progress.advance();
      },
      threads);
  progress.finish();
}

}  // namespace

std::vector<PrepareResult> extract_features(const Dataset& dataset, const std::vector<TableOutput>& outputs,
                                            Progress& progress, int threads, const FeatureCache* cache) {
  const Stopwatch watch;
  if (outputs.empty()) return {};
  for (const TableOutput& output : outputs) check_output(output.location);
  std::vector<std::string> keys;
  for (const ClipIdentity& identity : clip_identities(dataset)) keys.push_back(identity.key());
  std::deque<Extraction> tables;
  for (const TableOutput& output : outputs) tables.emplace_back(dataset, keys, output, cache, progress);
  try {
    extract(dataset, tables, progress, threads);
  } catch (const Interrupted&) {
    for (const Extraction& table : tables) table.store_journal();
    throw;
  }
  std::optional<Error> unusable;
  for (Extraction& table : tables) {
    try {
      table.finish();
    } catch (const NoUsableClip& error) {  // after the other tables
      unusable = error;
    }
  }
  if (unusable) throw *unusable;
  std::vector<PrepareResult> results;
  const double seconds = watch.seconds();
  for (Extraction& table : tables) {
    table.result().extract_s = seconds;
    results.push_back(std::move(table.result()));
  }
  return results;
}

PrepareResult extract_features(const Dataset& dataset, const FeatureSet& set, const fs::path& output,
                               Progress& progress, int threads) {
  return std::move(extract_features(dataset, std::vector<TableOutput>{{&set, output}}, progress, threads).front());
}

}  // namespace genrewise
