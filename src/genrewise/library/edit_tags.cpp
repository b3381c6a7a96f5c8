#include "genrewise/library/edit_tags.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "genrewise/audio/tags.hpp"
#include "genrewise/base/byte_text.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/library/replace_file.hpp"
#include "genrewise/library/stored.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using Values = std::vector<std::string>;

std::string as_text(const Values& values) {
  return any_texts(values).dump();
}

/// The values after the change; a Fault without `where` if the file is left alone.
Expected<Values> values_after(const CatalogueTrack& track, const TagConfig& config, const Values& before) {
  const auto left_alone = [](const char* reason) { return tl::unexpected(Fault{reason, {}, {}}); };
  Values after = config.values;
  if (after.empty()) {
    const bool corrected = !track.correction.empty();
    if (!corrected && track.unknown) return left_alone("unknown genre");
    if (track.genre().empty()) return left_alone("no genre");
    if (!corrected && track.confidence < config.min_confidence) return left_alone("low confidence");
    after = {track.genre()};
  }
  // ID3v2.3 has no multiple values: several are stored as one, with slashes.
  const std::string known = folded(fmt::format("/{}/", fmt::join(before, "/")));
  if (config.mode == TagMode::append) {
    const Values added = std::exchange(after, before);
    for (const std::string& value : added)
      if (known.find(folded("/" + value + "/")) == std::string::npos) after.push_back(value);
  }
  if (after == before || before == Values{fmt::format("{}", fmt::join(after, "/"))})
    return left_alone("has this value");
  if (config.mode == TagMode::fill && !before.empty()) return left_alone("has a value");
  return after;
}

struct JournalledChange : TagChange {
  std::int64_t id;
  std::string state, old_sha256;
};
/// `condition` has one parameter.
template <class Value>
std::vector<JournalledChange> changes_where(Database& database, const char* condition, const Value& value) {
  std::vector<JournalledChange> changes;
  auto rows = database.query(fmt::format("SELECT track, path, field, before, after, id, state, old_sha256 FROM "
                                         "tag_changes WHERE {} ORDER BY id",
                                         condition),
                             value);
  while (rows.next())
    changes.push_back({{rows.integer(0), rows.text(1), rows.text(2), rows.texts(3), rows.texts(4)},
                       rows.integer(5),
                       rows.text(6),
                       rows.text(7)});
  return changes;
}

/// The journal of tag changes in the catalogue.
class Journal {
 public:
  /// Settles what killed processes left: removes their copies, and finds out whether their last change was carried out.
  explicit Journal(Catalogue& catalogue) : catalogue_(catalogue), database_(catalogue.database()) {
    std::vector<fs::path> folders;
    for (auto rows = database_.query("SELECT folder FROM tag_batches WHERE folder != ''"); rows.next();)
      folders.emplace_back(rows.text(0));
    for (const fs::path& folder : folders) {
      if (!folder_exists(folder)) continue;  // of a disk that is not mounted now
      lock_for_replacing(folder);
      database_.run("UPDATE tag_batches SET folder = '' WHERE folder = ?", folder.string());
    }
    for (const JournalledChange& change : changes_where(database_, "state = ?", "planned")) {
      if (!file_exists(change.path)) continue;
      if (sha256_hex(read_file(change.path)) == change.old_sha256) {
        forget(change.id);
      } else {
        set_state(change.id, change.path, "written");
      }
    }
  }

  void forget(std::int64_t change) { database_.run("DELETE FROM tag_changes WHERE id = ?", change); }

  /// `path` holds other bytes now: those of the change, or the old ones where it is undone. Its times are the same.
  void set_state(std::int64_t change, const fs::path& path, const char* state) {
    const HoldInterrupts until_it_is_recorded;
    const auto tags = read_tags(path);
    database_.transaction([&] {
      database_.run("UPDATE tag_changes SET state = ?1, patch = iif(?1 = 'undone', x'', patch) WHERE id = ?2", state,
                    change);
      auto track = catalogue_.track(path);
      if (!track) return;
      track->bytes = bytes_of_file(path);
      if (tags) track->tags = *tags;
      write_track(database_, *track);
    });
  }

  /// Calls `replace` for each change and collects what was done, also where an Error ends it early.
  TagResult for_each(std::int64_t batch, std::span<const TagChange> changes, std::string_view task, Runtime& runtime,
                     const std::function<Expected<void>(std::size_t, const TagChange&)>& replace) {
    TagResult result{batch, {}, {}, {}};
    runtime.progress().begin(task, "files", changes.size());
    try {
      fs::path folder;
      FolderLock lock;
      for (std::size_t i = 0; i < changes.size(); ++i) {
        runtime.throw_if_interrupted();
        auto done = check_replaceable(changes[i].path);
        if (done) {
          const fs::path own = checked_filesystem([&] { return fs::canonical(changes[i].path); }).parent_path();
          if (own != folder) {
            database_.run("UPDATE tag_batches SET folder = ? WHERE id = ?", own.string(), batch);
            lock = FolderLock();
            lock = lock_for_replacing(folder = own);
          }
          done = replace(i, changes[i]);
        }
        if (done) {
          result.changes.push_back(changes[i]);
        } else {
          result.skipped.push_back(done.error());
        }
        runtime.progress().advance();
      }
      database_.run("UPDATE tag_batches SET folder = '' WHERE id = ?", batch);
    } catch (const Error&) {
      result.stopped = std::current_exception();
    }
    runtime.progress().finish();
    return result;
  }

 private:
  Catalogue& catalogue_;
  Database& database_;
};

std::int64_t existing_batch(Database& database, std::int64_t batch) {
  auto row = batch == 0 ? database.query("SELECT max(batch) FROM tag_changes WHERE state != 'undone'")
                        : database.query("SELECT id FROM tag_batches WHERE id = ?", batch);
  if (row.next() && !row.is_null(0)) return row.integer(0);
  throw UsageError(batch == 0 ? "there is no change of tags to undo" : fmt::format("there is no batch {}", batch), "",
                   "`genrewise tag --history` lists the batches");
}

}  // namespace

TagPlan plan_tags(std::span<const CatalogueTrack> tracks, const TagConfig& config, Runtime& runtime) {
  const auto fields = writable_tag_fields();
  if (std::ranges::find(fields, config.field) == fields.end())
    throw UsageError(fmt::format("there is no field '{}'", config.field), "--write",
                     fmt::format("give one of {}", fmt::join(fields, ", ")));
  if (config.values.empty() &&
      (config.field == "title" || config.field == "artist" || config.field == "albumartist" || config.field == "album"))
    throw UsageError(fmt::format("the genre is no value for the field '{}'", config.field), "--write",
                     "give the values with --value");
  std::vector<Expected<TagChange>> outcomes(tracks.size());
  runtime.progress().begin("reading tags", "files", tracks.size());
  parallel_for(tracks.size(), [&](std::size_t i, int) {
    const CatalogueTrack& track = tracks[i];
    outcomes[i] = [&]() -> Expected<TagChange> {
      if (auto possible = values_after(track, config, {}); !possible) return tl::unexpected(possible.error());
      auto before = read_tag_field(track.path, config.field);
      if (!before) return tl::unexpected(before.error());
      auto after = values_after(track, config, *before);
      if (!after) return tl::unexpected(after.error());
      return check_replaceable(track.path).map([&] {
        return TagChange{track.id, track.path, config.field, *before, *after};
      });
    }();
    runtime.progress().advance();
  });
  runtime.progress().finish();
  TagPlan plan;
  for (auto& outcome : outcomes) {
    if (outcome) {
      plan.changes.push_back(std::move(*outcome));
    } else if (outcome.error().where.empty()) {
      ++plan.left_alone[outcome.error().reason];
    } else {
      plan.skipped.push_back(std::move(outcome.error()));
    }
  }
  return plan;
}

TagResult apply_tags(Catalogue& catalogue, const TagPlan& plan, const std::string& command, Runtime& runtime) {
  Journal journal(catalogue);
  if (plan.changes.empty()) return {};
  Database& database = catalogue.database();
  const auto now_s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  database.run("INSERT INTO tag_batches (time_s, command) VALUES (?, ?)", now_s.count(), command);
  const std::int64_t batch = database.last_id();
  TagResult result =
      journal.for_each(batch, plan.changes, "writing tags", runtime, [&](std::size_t, const TagChange& change) {
        std::int64_t id = 0;
        const auto make_copy = [&](const fs::path& original, const fs::path& copy) -> Expected<void> {
          const auto now = read_tag_field(original, change.field);
          if (!now) return tl::unexpected(now.error());
          if (*now != change.before) return tl::unexpected(Fault{"changed since", change.path, "its tags were edited"});
          return write_tag_copy(original, copy, change.field, change.after);
        };
        auto done = replace_file(change.path, make_copy, [&](std::string_view old_bytes, std::string_view new_bytes) {
          const std::string patch = make_patch(old_bytes, new_bytes);
          database.script("PRAGMA synchronous = FULL");  // on disk before the file is replaced
          database.run(
              "INSERT INTO tag_changes (batch, track, path, field, before, after, old_sha256, new_sha256, old_bytes, "
              "patch, "
              "state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned')",
              batch, change.track, change.path.string(), change.field, as_text(change.before), as_text(change.after),
              sha256_hex(old_bytes), sha256_hex(new_bytes), old_bytes.size(), std::as_bytes(std::span(patch)));
          id = database.last_id();
          database.script("PRAGMA synchronous = NORMAL");
        });
        if (done) {
          journal.set_state(id, change.path, "written");
        } else {
          journal.forget(id);
        }
        return done;
      });
  if (result.changes.empty()) {
    database.run("DELETE FROM tag_batches WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM tag_changes WHERE batch = ?1)",
                 batch);
    result.batch = 0;
  }
  return result;
}

std::vector<TagBatch> tag_history(const Catalogue& catalogue) {
  std::vector<TagBatch> batches;
  auto rows = catalogue.database().query(
      "SELECT b.id, time_s, command, count(c.id), sum(state = 'undone') FROM tag_batches b JOIN tag_changes c ON batch "
      "= "
      "b.id GROUP BY b.id ORDER BY b.id DESC");
  while (rows.next())
    batches.push_back({rows.integer(0), rows.integer(1), rows.text(2), static_cast<std::size_t>(rows.integer(3)),
                       static_cast<std::size_t>(rows.integer(4))});
  return batches;
}

std::vector<std::pair<TagChange, std::string>> tag_changes(const Catalogue& catalogue, std::int64_t batch) {
  std::vector<std::pair<TagChange, std::string>> changes;
  for (auto& change : changes_where(catalogue.database(), "batch = ?", existing_batch(catalogue.database(), batch)))
    changes.emplace_back(std::move(change), change.state);
  return changes;
}

TagResult undo_tags(Catalogue& catalogue, std::int64_t batch, Runtime& runtime) {
  Journal journal(catalogue);
  Database& database = catalogue.database();
  batch = existing_batch(database, batch);
  auto journalled = changes_where(database, "batch = ?", batch);
  std::erase_if(journalled, [](const JournalledChange& change) { return change.state != "written"; });
  std::ranges::reverse(journalled);  // of two changes of one file, the later first
  for (JournalledChange& change : journalled) {
    if (path_exists(change.path)) continue;
    if (auto moved = database.query("SELECT path FROM tracks WHERE id = ?", change.track); moved.next())
      change.path = moved.text(0);
  }
  const std::vector<TagChange> changes(journalled.begin(), journalled.end());
  return journal.for_each(
      batch, changes, "restoring files", runtime, [&](std::size_t i, const TagChange& change) -> Expected<void> {
        const std::int64_t id = journalled[i].id;
        const auto fault = [&](const char* reason, std::string detail) {
          return tl::unexpected(Fault{reason, change.path.string(), std::move(detail)});
        };
        bool restored_before = false;  // by a process that was killed directly afterwards
        const auto make_copy = [&](const fs::path& original, const fs::path& copy) -> Expected<void> {
          auto row =
              database.query("SELECT patch, old_sha256, new_sha256, old_bytes FROM tag_changes WHERE id = ?", id);
          row.next();
          const std::string now = read_file(original), sha256 = sha256_hex(now);
          restored_before = sha256 == row.text(1);
          if (sha256 != row.text(2)) {
            auto later =
                database.query("SELECT max(batch) FROM tag_changes WHERE path = ? AND id > ? AND state = 'written'",
                               change.path.string(), id);
            return fault("changed since", later.next() && !later.is_null(0)
                                              ? fmt::format("undo batch {} first", later.integer(0))
                                              : "by another program");
          }
          const auto patch = row.blob(0);
          const auto bytes = apply_patch({reinterpret_cast<const char*>(patch.data()), patch.size()}, now,
                                         static_cast<std::size_t>(row.integer(3)));
          if (!bytes || sha256_hex(*bytes) != row.text(1))
            return fault("journal is damaged", "restore it from a backup");
          AppendFile file(copy);
          file.write(*bytes);
          file.sync();
          return {};
        };
        auto done = replace_file(change.path, make_copy, [](std::string_view, std::string_view) {});
        if (!done && !restored_before) return done;
        journal.set_state(id, change.path, "undone");
        return {};
      });
}

}  // namespace genrewise
