#include "genrewise/packs/pack.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/dataset/clip_identity.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/packs/pack_remote.hpp"
#include "genrewise/packs/pack_shard.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/folder_lock.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

void check_form(const RecordForm& form, std::size_t values) {
  const std::string all[] = {form.features, form.label, form.id, form.range(), form.one_hot()};
  for (const auto& [option, key] :
       {std::pair("--record-features", &form.features), {"--record-label", &form.label}, {"--record-id", &form.id}}) {
    if (key->empty() || std::ranges::count(all, *key) > 1)
      throw Error("\"" + *key + "\" cannot be a key of the records", option,
                  "give a name that no other key has: " + form.range() + " and " + form.one_hot() + " are keys too");
  }
  if (form.steps == 0 || values % form.steps == 0) return;
  throw Error(fmt::format("{} values cannot be divided into {} equal steps", values, form.steps), "--record-steps",
              "give a number that divides them");
}

void check(const PackJob& job, const PackConfig& config) {
  const std::size_t count = job.track_ids.size();
  if (config.shards < 1) throw Error("there must be at least 1 shard", "--shards");
  if (static_cast<std::size_t>(config.shards) > kMostShards)
    throw Error(fmt::format("there may be at most {} shards", kMostShards), "--shards", "give a smaller number");
  if (static_cast<std::size_t>(config.shards) > count)
    throw Error(fmt::format("there are more shards ({}) than examples ({})", config.shards, count), "--shards",
                "give a smaller number");
  if (config.part && config.part->count > static_cast<std::size_t>(config.shards))
    throw Error(fmt::format("there are more parts ({}) than shards ({})", config.part->count, config.shards), "--part",
                "give more --shards or fewer parts");
  if (fs::path(config.prefix).filename() != config.prefix || config.prefix.starts_with('.'))
    throw Error("\"" + config.prefix + "\" cannot begin a file name", "--prefix", "remove slashes and leading dots");
  check_form(config.form, job.values);
  const auto fits = [&](const std::vector<std::string>& names) { return names.empty() || names.size() == count; };
  if (job.classes.size() != count || job.parts.size() != count || !fits(job.artists) || !fits(job.albums))
    throw Error("the lists of examples to pack have different lengths", job.recipe.name);
  for (std::size_t i = 0; i < count; ++i) {
    if (job.classes[i] >= 0 && static_cast<std::size_t>(job.classes[i]) < job.labels.size()) continue;
    throw Error("has no genre", job.track_ids[i], "leave it out of the dataset");
  }
}

/// The numbers of an example, or why it is skipped.
struct Extracted {
  std::vector<float> row;
  std::optional<Fault> fault;
};

class NothingUsable : public Error {
 public:
  using Error::Error;
};

/// One pack while it is written.
class Packer {
 public:
  Packer(const PackJob& job, fs::path location, const PackConfig& config, Progress& progress)
      : job_(job), location_(std::move(location)), folder_(location_), config_(config), progress_(progress) {
    check(job, config);
    deal();
    const fs::path work = local_work_path(location_);
    if (work == location_) return;  // a local pack: shards are written in place
    folder_ = (config.work_folder.empty() ? work : config.work_folder) / fingerprint_.substr(0, 16);
    if (config.part) folder_ += "-" + part_name(*config.part);
    remote_ = std::make_unique<RemotePack>(location_.string());
  }

  const PackJob& job() const { return job_; }
  /// All examples, or those of the part, in the order in which they are packed: that of their shards.
  std::vector<std::size_t> order() const {
    std::vector<std::size_t> order;
    const auto [first, last] = shards();
    for (std::size_t k = first; k < last; ++k) order.insert(order.end(), dealt_[k].begin(), dealt_[k].end());
    return order;
  }

  /// Locks the folder, continues what an earlier run left, and returns the examples that remain, in order().
  std::vector<std::size_t> begin() {
    make_folders(folder_);
    if (!config_.part || remote_) lock_.emplace(folder_);
    if (is_pack(location_)) {
      reuse_whole();
      return {};
    }
    open_work();
    return remaining();
  }

  /// The next of the remaining examples.
  void add(Extracted& extracted) {
    if (extracted.fault) {
      shard_->skip(std::move(*extracted.fault));
    } else {
      shard_->add(extracted.row);
    }
    finish_full_shards();
  }

  /// Call after the last one. Throws NothingUsable.
  PackResult finish() {
    if (!is_there_) config_.part ? finish_part() : write_manifest();
    lock_.reset();
    result_.loss = manifest_.loss;
    result_.shards = manifest_.shards.size();
    result_.examples = manifest_.size();
    result_.skipped = manifest_.skipped;
    for (const auto& shard : manifest_.shards) result_.bytes += shard.bytes;
    return std::move(result_);
  }

 private:
  // Assigns examples to shards and computes the fingerprint of everything that determines their content.
  void deal() {
    std::vector<std::size_t> order(job_.track_ids.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) -> const std::string& { return job_.track_ids[i]; });
    Hasher all(HashKind::sha256);
    const auto add = [&](const std::string& fact) { all.update(fact + '\0'); };
    for (const auto& fact :
         {job_.recipe.name, std::to_string(job_.recipe.version), job_.recipe.hash, std::to_string(job_.values),
          std::to_string(config_.shards), std::to_string(config_.seed), config_.prefix, job_.split_scheme,
          std::string(to_string(config_.stored_as)), std::string(to_string(config_.compression))}) {
      add(fact);
    }
    if (const RecordForm& form = config_.form; form != RecordForm())
      for (const auto& fact : {form.features, form.label, form.id, std::to_string(form.steps)}) add(fact);
    for (const auto& label : job_.labels) add(label);
    for (std::size_t k = 0; k < order.size(); ++k) {
      const std::size_t i = order[k];
      if (k > 0 && job_.track_ids[order[k - 1]] == job_.track_ids[i])
        throw Error("two examples have the same track id", job_.track_ids[i], "make the ids unique");
      add(job_.track_ids[i]);
      add(std::to_string(job_.classes[i]));
      add(job_.parts[i] ? std::string(to_string(*job_.parts[i])) : "-");
      add(job_.source ? job_.source(i) : std::string());
      if (!job_.artists.empty()) add(job_.artists[i]);
      if (!job_.albums.empty()) add(job_.albums[i]);
    }
    fingerprint_ = all.hex();
    Rng(derive_seed(config_.seed, "pack")).shuffle(std::span(order));
    const auto shards = static_cast<std::size_t>(config_.shards);
    for (std::size_t k = 0; k < shards; ++k) {
      const auto at = [&](std::size_t shard) {
        return order.begin() + static_cast<std::ptrdiff_t>(order.size() * shard / shards);
      };
      dealt_.emplace_back(at(k), at(k + 1));
    }
  }

  void reuse_whole() {
    manifest_ = open_pack(location_);
    if (manifest_.fingerprint != fingerprint_)
      throw Error(fmt::format("contains another pack ({} examples of {})", manifest_.size(), manifest_.recipe.name),
                  location_.string(), "choose another folder, or delete this one");
    for (const auto& shard : manifest_.shards) {
      const auto found = find_file((location_ / shard.file).string());
      if (found && found->bytes == shard.bytes) continue;
      throw Error("is missing, or its size differs from the manifest", (location_ / shard.file).string(),
                  "delete the folder and pack again");
    }
    const auto missed = std::ranges::count_if(manifest_.skipped, [](const Fault& fault) {
      return fault.reason == "cannot be opened" || fault.reason == "cannot be read";
    });
    if (missed > 0)
      progress_.note(
          fmt::format("{} clips could not be opened or read when this was packed: delete {} and pack again "
                      "to include them",
                      missed, location_.string()));
    result_.reused = manifest_.size();
    is_there_ = true;
    remove_work();
  }

  // The work folder of a pack in an object store belongs to this run and is not needed afterwards.
  void remove_work() const { remove_tree(remote_ ? folder_ : folder_ / ".pack"); }

  void open_work() {
    if (remote_) remote_->begin(fingerprint_, config_);
    const auto plan = folder_ / ".pack" / "plan";
    if (!config_.part)  // else they may be of parts that are running
      for (const fs::path& leftovers : {folder_ / "", folder_ / ".pack" / ""})
        remove_unfinished(leftovers);  // of a kill
    if (!path_exists(plan)) {
      for (const auto& entry : entries_of(folder_)) {
        if (!remote_ && entry.extension() == ".tfrec")
          throw Error("contains record files already", folder_.string(), "choose an empty folder");
      }
      make_folders(folder_ / ".pack");
      if (write_file_if(WriteCondition::absent(), plan, plan_text(fingerprint_, config_))) return;
    }
    if (read_file(plan).starts_with(fingerprint_)) return;
    throw Error("contains an unfinished pack of other data or with other options", folder_.string(),
                "choose another folder, or delete this one");
  }

  std::vector<std::size_t> remaining() {
    std::size_t done = 0;
    const auto [first, last] = shards();
    for (int number = static_cast<int>(first); number < static_cast<int>(last); ++number) {
      const FolderLock lock = lock_of(number);
      if (config_.part && remote_) remote_->share_state(folder_, number);
      all_ += dealt_[static_cast<std::size_t>(number)].size();
      const auto& examples = dealt_[static_cast<std::size_t>(number)];
      auto finished = ShardPacker::finished(job_, config_, folder_, number, examples);
      if (finished && is_stored(number, finished->shards[0])) {
        done += examples.size();
        result_.reused += finished->size();
        parts_[number] = std::move(*finished);
      } else {
        if (!unfinished_.empty()) ShardPacker::forget(folder_, number);  // only the first one can be incomplete
        unfinished_.push_back(number);
      }
    }
    std::vector<std::size_t> pending;  // remaining examples in the order of the shards
    for (const int number : unfinished_) {
      const auto& examples = dealt_[static_cast<std::size_t>(number)];
      pending.insert(pending.end(), examples.begin(), examples.end());
    }
    if (open_next_shard()) {
      done += shard_->handled();
      result_.reused += shard_->written();
      pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(shard_->handled()));
    }
    if (done > 0)
      progress_.note(
          fmt::format("continuing {}: {} of {} examples were handled by an earlier run", job_.recipe.name, done, all_));
    finish_full_shards();
    return pending;
  }

  /// The first shard of this run, and the one behind the last.
  std::pair<std::size_t, std::size_t> shards() const {
    return part_range(dealt_.size(), config_.part.value_or(JobPart()));
  }

  // Local runs that pack the same shard exclude each other; in a store, every run has its own work folder.
  FolderLock lock_of(int number) const {
    if (remote_) return {};
    const fs::path lock = folder_ / ".pack" / fmt::format("{:02}.lock", number);
    make_folders(lock);
    return FolderLock(lock);
  }

  // Whether a finished shard is at its destination or being uploaded to it.
  bool is_stored(int number, const PackedShard& shard) {
    const auto file = folder_ / shard.file;
    std::error_code code;
    const bool here = fs::file_size(file, code) == shard.bytes && !code;
    if (!remote_) return here;
    if (remote_->has(shard)) {
      fs::remove(file, code);
    } else if (here) {
      store(number, file);
    } else {
      return false;
    }
    return true;
  }

  void store(int number, const fs::path& file) {
    remote_->store(file, config_.part ? shard_state_path(folder_, number, "json") : fs::path());
  }

  bool open_next_shard() {
    shard_.reset();
    shard_lock_ = {};
    if (unfinished_.empty()) return false;
    shard_number_ = unfinished_.front();
    unfinished_.pop_front();
    shard_lock_ = lock_of(shard_number_);
    shard_ = std::make_unique<ShardPacker>(job_, config_, folder_, shard_number_,
                                           dealt_[static_cast<std::size_t>(shard_number_)]);
    return true;
  }

  void finish_full_shards() {
    while (shard_ && shard_->handled() == shard_->size()) {
      const PackManifest& part = parts_[shard_number_] = shard_->finish();
      if (remote_) store(shard_number_, folder_ / part.shards[0].file);
      open_next_shard();
    }
  }

  void finish_part() {
    for (auto& [number, part] : parts_) {
      std::ranges::move(part.shards, std::back_inserter(manifest_.shards));
      std::ranges::move(part.skipped, std::back_inserter(manifest_.skipped));
    }
    if (!remote_) return;
    remote_->wait();
    remove_work();
  }

  void write_manifest() {
    LossMeter losses;
    manifest_ = parts_.begin()->second;
    manifest_.shards.clear();
    manifest_.skipped.clear();
    for (auto& [number, part] : parts_) {
      if (part.loss) losses.add(*part.loss, part.size() * job_.values);
      std::ranges::move(part.shards, std::back_inserter(manifest_.shards));
      std::ranges::move(part.skipped, std::back_inserter(manifest_.skipped));
    }
    if (manifest_.loss) manifest_.loss = losses.loss();
    if (manifest_.size() == 0) throw_unusable();
    manifest_.fingerprint = fingerprint_;
    if (remote_) {
      remote_->finish(to_json(manifest_));
    } else {
      write_file(folder_ / kManifestName, to_json(manifest_));
    }
    remove_work();
  }

  [[noreturn]] void throw_unusable() const {
    if (remote_) remote_->abandon();
    for (const auto& shard : manifest_.shards) remove_path(folder_ / shard.file);
    remove_work();
    throw NothingUsable(fmt::format("none of the {} examples could be used; the first: {}", job_.track_ids.size(),
                                    to_string(manifest_.skipped.front())),
                        location_.string(), "check the dataset with `genrewise inspect`");
  }

  const PackJob& job_;
  const fs::path location_;
  fs::path folder_;  // where shards are written: location_, or a local work folder if it is in an object store
  std::unique_ptr<RemotePack> remote_;
  const PackConfig& config_;
  Progress& progress_;
  std::optional<FolderLock> lock_;
  bool is_there_ = false;  // the pack was finished by an earlier run
  std::string fingerprint_;
  std::vector<std::vector<std::size_t>> dealt_;  // example indices by shard
  std::unique_ptr<ShardPacker> shard_;
  int shard_number_ = 0;
  FolderLock shard_lock_;
  std::size_t all_ = 0;                // examples in the shards of this run
  std::map<int, PackManifest> parts_;  // manifests of finished shards, by number
  std::deque<int> unfinished_;
  PackManifest manifest_;
  PackResult result_;
};

/// Computes the rows that are wanted, those that are not empty, of one example; result i is the fault of job i.
using ExtractAll = std::function<std::vector<Expected<void>>(std::size_t example, int worker,
                                                             const std::vector<std::span<float>>& rows)>;

/// Writes packs of the same examples with the same seed and number of shards, which therefore have the same order. Each
/// example is extracted once for all packs that lack it.
std::vector<PackResult> pack_together(std::deque<Packer>& packers, const ExtractAll& extract, const PackConfig& config,
                                      Progress& progress) {
  const Stopwatch watch;
  std::vector<std::vector<bool>> lacks(packers.front().job().track_ids.size(),
                                       std::vector<bool>(packers.size()));  // by example and pack
  std::vector<std::string> names;
  for (std::size_t p = 0; p < packers.size(); ++p) {
    const std::vector<std::size_t> remaining = packers[p].begin();
    for (const std::size_t example : remaining) lacks[example][p] = true;
    if (!remaining.empty()) names.push_back(packers[p].job().recipe.name);
  }
  std::vector<std::size_t> pending = packers.front().order();
  const std::size_t all = pending.size();
  std::erase_if(pending, [&](std::size_t i) { return std::ranges::count(lacks[i], true) == 0; });

  if (!pending.empty())
    progress.begin(fmt::format("packing {}", fmt::join(names, ", ")), "clips", all, all - pending.size());
  const int threads = config.threads > 0 ? config.threads : thread_budget();
  InOrder<std::vector<Extracted>> results(4 * static_cast<std::size_t>(threads),
                                          [&](std::size_t item, std::vector<Extracted>& rows) {
                                            for (std::size_t p = 0; p < packers.size(); ++p)
                                              if (lacks[pending[item]][p]) packers[p].add(rows[p]);
                                            progress.advance();
                                          });
  parallel_for(
      pending.size(),
      [&](std::size_t item, int worker) {
        try {
          if (!results.wait_for_turn(item)) return;
          std::vector<Extracted> extracted(packers.size());
          std::vector<std::span<float>> rows(packers.size());
          for (std::size_t p = 0; p < packers.size(); ++p) {
            if (!lacks[pending[item]][p]) continue;
            extracted[p].row.resize(packers[p].job().values);
            rows[p] = extracted[p].row;
          }
          std::vector<Expected<void>> done = extract(pending[item], worker, rows);
          for (std::size_t p = 0; p < packers.size(); ++p)
            if (!done[p]) extracted[p].fault = std::move(done[p].error());
          results.put(item, std::move(extracted));
        } catch (...) {
          results.stop();
          throw;
        }
      },
      threads);
  if (!pending.empty()) progress.finish();

  std::vector<PackResult> packed;
  std::optional<Error> unusable;
  for (Packer& packer : packers) {
    try {
      packed.push_back(packer.finish());
    } catch (const NothingUsable& error) {  // after the other packs
      unusable = error;
    }
  }
  if (unusable) throw *unusable;
  const double seconds = watch.seconds();
  for (PackResult& result : packed) result.pack_s = seconds;
  return packed;
}

}  // namespace

PackResult pack_examples(const PackJob& job, const fs::path& folder, const PackConfig& config, Progress& progress) {
  std::deque<Packer> packers;
  packers.emplace_back(job, folder, config, progress);
  const ExtractAll extract = [&](std::size_t i, int worker, const std::vector<std::span<float>>& rows) {
    return std::vector{job.extract(i, worker, rows[0])};
  };
  return std::move(pack_together(packers, extract, config, progress).front());
}

std::vector<PackResult> pack_dataset(const Dataset& dataset, const std::vector<PackOutput>& outputs, const Split* split,
                                     const PackConfig& config, Progress& progress) {
  PackJob common;
  common.labels = dataset.labels;
  for (std::size_t i = 0; i < dataset.tracks.size(); ++i) {
    const Track& track = dataset.tracks[i];
    common.track_ids.push_back(track.id);
    common.classes.push_back(track.label);
    common.artists.push_back(track.artist);
    common.albums.push_back(track.album);
    common.parts.push_back(split ? std::optional(split->parts.at(i)) : std::nullopt);
  }
  if (std::ranges::find(common.classes, -1) != common.classes.end()) common.labels.emplace_back("unlabelled");
  std::ranges::replace(common.classes, -1, static_cast<int>(common.labels.size()) - 1);
  const std::vector<ClipIdentity> identities = clip_identities(dataset);
  common.source = [&](std::size_t i) { return identities[i].portable_text(); };
  if (split) common.split_scheme = to_string(split->scheme);
  std::deque<PackJob> jobs;
  std::deque<Packer> packers;
  std::vector<const FeatureSet*> sets;
  for (const PackOutput& output : outputs) {
    PackJob& job = jobs.emplace_back(common);
    job.recipe = output.set->recipe();
    job.values = output.set->size();
    packers.emplace_back(job, output.folder, config, progress);
    sets.push_back(output.set);
  }
  const ClipExtractor extractor(sets);
  const ExtractAll extract = [&](std::size_t i, int, const std::vector<std::span<float>>& rows) {
    return extractor.extract(dataset.tracks[i].path, dataset.tracks[i].clip, rows);
  };
  return pack_together(packers, extract, config, progress);
}

}  // namespace genrewise
