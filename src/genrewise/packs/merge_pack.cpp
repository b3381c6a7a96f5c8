#include "genrewise/packs/merge_pack.hpp"

#include <fmt/format.h>

#include <functional>
#include <iterator>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/packs/pack_shard.hpp"
#include "genrewise/packs/pack_values.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/part_folder.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr char kAgain[] = "delete the folder and pack again";

class PackMerger {
 public:
  PackMerger(const fs::path& folder, Progress& progress) : folder_(folder), progress_(progress) { read_plan(); }

  PackMerge merge() {
    progress_.begin("merging", "shards", shards_);
    std::vector<std::size_t> missing;
    for (std::size_t number = 0; number < shards_; ++number) {
      throw_if_interrupted();
      if (!add(number)) missing.push_back(number);
      progress_.advance();
    }
    progress_.finish();
    if (!missing.empty())
      throw Error(fmt::format("{} of its {} shards {} not finished: {}", missing.size(), shards_,
                              missing.size() == 1 ? "is" : "are", listed_numbers(missing)),
                  folder_.string(), "start their parts again");
    if (counts_.examples == 0)
      throw Error(fmt::format("none of the {} examples could be used", manifest_.skipped.size()), folder_.string(),
                  "check the dataset with `genrewise inspect`");
    if (manifest_.loss) manifest_.loss = losses_.loss();
    write();
    return {shards_, counts_.examples, manifest_.skipped.size(), bytes_};
  }

 private:
  std::string file(std::string_view name) const { return join_location(folder_.native(), name); }
  std::string state(std::size_t number) const {
    return file(shard_state_path("", static_cast<int>(number), "json").native());
  }

  void read_plan() {
    const std::string plan = read_file(file(".pack/plan"));
    const std::size_t blank = plan.find(' ');
    manifest_.fingerprint = plan.substr(0, blank);
    if (blank == std::string::npos || !parse_number(std::string_view(plan).substr(blank + 1), shards_) ||
        shards_ == 0 || shards_ > kMostShards)
      throw Error("does not state the number of shards (it was begun by an earlier version)", file(".pack/plan"),
                  "complete the pack with `genrewise pack` without --part");
  }

  /// False if the shard is not finished.
  bool add(std::size_t number) {
    if (!file_exists(state(number))) return false;
    PackManifest part = parse_manifest(read_file(state(number)), state(number));
    if (part.shards.size() != 1) throw Error("is not the manifest of one shard", state(number), kAgain);
    const auto found = find_file(file(part.shards[0].file));
    if (!found || found->bytes != part.shards[0].bytes) return false;
    if (number == 0 || manifest_.recipe.name.empty()) {
      static_cast<PackFormat&>(manifest_) = part;
      manifest_.loss = part.loss;
    } else if (static_cast<const PackFormat&>(manifest_) != part) {
      throw Error("is of another pack than the other shards", state(number), kAgain);
    }
    counts_.add(part);
    bytes_ += part.shards[0].bytes;
    if (part.loss) losses_.add(*part.loss, part.size() * part.values);
    std::ranges::move(part.skipped, std::back_inserter(manifest_.skipped));
    return true;
  }

  // The text of each shard's entry is the same in its own manifest. It is read again for the checksum, which stands
  // before the shards.
  void write_text(const std::string& sha256, const std::function<void(std::string_view)>& to) const {
    std::string text = json_without_shards(manifest_, counts_);
    text.replace(text.find(open_seal()), sha256.size(), sha256);
    const std::size_t at = text.find(kNoShards) + kNoShards.size() - 1;
    to(std::string_view(text).substr(0, at));
    for (std::size_t number = 0; number < shards_; ++number) {
      throw_if_interrupted();
      const std::string own = read_file(state(number));
      const std::size_t begin = own.find("\"shards\":[") + std::string_view("\"shards\":[").size();
      const std::size_t end = own.rfind("],\"skipped\":[");
      if (end == std::string::npos || begin > end)
        throw Error("was changed while it was merged", state(number), "merge again");
      if (number > 0) to(",");
      to(std::string_view(own).substr(begin, end - begin));
    }
    to(std::string_view(text).substr(at));
  }

  void write() const {
    Hasher seal(HashKind::sha256);
    write_text(open_seal(), [&](std::string_view text) { seal.update(text); });
    const auto manifest = create_file(file(kManifestName));
    write_text(seal.hex(), [&](std::string_view text) { manifest->write(text); });
    manifest->commit();
  }

  const fs::path& folder_;
  Progress& progress_;
  std::size_t shards_ = 0;
  PackManifest manifest_;  // without shards
  PackCounts counts_;
  LossMeter losses_;
  std::uint64_t bytes_ = 0;
};

/// The plan last: without it, what a kill left would not be found.
void remove_state(const fs::path& folder) {
  const fs::path state = join_location(folder.native(), ".pack");
  if (local_work_path(folder) == folder) return remove_tree(state);
  for (const FileInfo& file : list_files(state))
    if (last_name(file.location) != "plan") remove_file(file.location);
  remove_file(join_location(state.native(), "plan"));
}

}  // namespace

bool holds_pack_parts(const fs::path& folder) {
  return is_pack(folder) || file_exists(join_location(folder.native(), ".pack/plan"));
}

PackMerge merge_pack(const fs::path& folder, Progress& progress) {
  PackMerge merged;
  if (is_pack(folder)) {
    const PackManifest manifest = open_pack(folder);
    progress.note(fmt::format("{} is complete: nothing is merged", folder.string()));
    merged = {0, manifest.size(), manifest.skipped.size(), 0};
    for (const PackedShard& shard : manifest.shards) merged.bytes += shard.bytes;
  } else {
    merged = PackMerger(folder, progress).merge();
  }
  remove_state(folder);
  return merged;
}

}  // namespace genrewise
