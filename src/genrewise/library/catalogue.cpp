#include "genrewise/library/catalogue.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/library/stored.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr int kSchemaVersion = 1;
constexpr int kApplicationId = 0x47575731;  // "GWW1"

/// Version 1. Texts of paths are the bytes of the file system. Times are seconds since 1970, unless they are _ns.
constexpr char kVersion1[] = R"(
CREATE TABLE roots (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, scanned_s INTEGER);
CREATE TABLE models (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL UNIQUE, labels TEXT NOT NULL,  -- a JSON array
  recipe INTEGER NOT NULL REFERENCES recipes, threshold REAL, used INTEGER NOT NULL);  -- largest `used`: current
CREATE TABLE recipes (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL, columns INTEGER NOT NULL,
  UNIQUE (name, version, hash));
CREATE TABLE tracks (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
  added_s INTEGER NOT NULL, missing INTEGER NOT NULL DEFAULT 0, fingerprint BLOB, duration_s REAL NOT NULL DEFAULT 0,
  artist TEXT NOT NULL DEFAULT '', album_artist TEXT NOT NULL DEFAULT '', album TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL DEFAULT '', tag_genres TEXT NOT NULL DEFAULT '',  -- one per line
  track INTEGER NOT NULL DEFAULT 0, year INTEGER NOT NULL DEFAULT 0,
  fault TEXT NOT NULL DEFAULT '', fault_detail TEXT NOT NULL DEFAULT '', correction TEXT NOT NULL DEFAULT '',
  model INTEGER REFERENCES models, predicted TEXT NOT NULL DEFAULT '', confidence REAL NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0, novelty REAL, probabilities BLOB,  -- a byte per label: 255 is 1
  genre TEXT COLLATE NOCASE AS (CASE WHEN correction != '' THEN correction WHEN unknown THEN 'unknown' ELSE predicted END));
CREATE INDEX tracks_by_fingerprint ON tracks (fingerprint);
CREATE INDEX tracks_by_genre ON tracks (genre, confidence);
CREATE TABLE segments (  -- float32 start_s, float32 duration_s, a byte per label, for each window
  track INTEGER PRIMARY KEY REFERENCES tracks ON DELETE CASCADE, windows BLOB NOT NULL);
CREATE TABLE features (  -- float16, or float32 where a number is out of its range
  track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, recipe INTEGER NOT NULL REFERENCES recipes,
  row BLOB NOT NULL, UNIQUE (track, recipe));
CREATE TABLE tag_batches (
  id INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, command TEXT NOT NULL,
  folder TEXT NOT NULL DEFAULT '');  -- where files are being replaced; stays set when the process is killed
CREATE TABLE tag_changes (
  id INTEGER PRIMARY KEY, batch INTEGER NOT NULL REFERENCES tag_batches, track INTEGER NOT NULL, path TEXT NOT NULL,
  field TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,  -- values, JSON arrays
  old_sha256 TEXT NOT NULL, new_sha256 TEXT NOT NULL, old_bytes INTEGER NOT NULL,
  patch BLOB NOT NULL,  -- the old file, compressed with the new one as its dictionary (zstd); empty when undone
  state TEXT NOT NULL CHECK (state IN ('planned', 'written', 'undone')));
CREATE INDEX tag_changes_by_batch ON tag_changes (batch);
CREATE INDEX tag_changes_by_path ON tag_changes (path);
)";

std::int64_t pragma(Database& database, const char* name) {
  auto rows = database.query(fmt::format("PRAGMA {}", name));
  return rows.next() ? rows.integer(0) : 0;
}

/// The version of a database; 0: an empty one. Throws Error for a database of another program and for a newer version.
int schema_version(Database& database) {
  const auto version = pragma(database, "user_version"), application = pragma(database, "application_id");
  if (application != kApplicationId) {
    auto tables = database.query("SELECT count(*) FROM sqlite_master");
    if (version == 0 && application == 0 && tables.next() && tables.integer(0) == 0) return 0;
    throw Error("is a database of another program", database.file(), "give another file with --library");
  }
  if (version > kSchemaVersion) {
    throw Error(fmt::format("has version {} of the catalogue's format; this program knows versions up to {}", version,
                            kSchemaVersion),
                database.file(), "use the newer genrewise that wrote it, or another file with --library");
  }
  return static_cast<int>(version);
}

/// Creates the tables of an empty database, or migrates an older one, in one transaction.
void migrate(Database& database) {
  database.transaction([&] {
    if (schema_version(database) < 1) database.script(kVersion1);
    database.script(
        fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kSchemaVersion));
  });
}

std::unique_ptr<Descriptor> lock_catalogue(const fs::path& file) {
  const std::string path = file.string() + ".lock";
  auto lock = std::make_unique<Descriptor>(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock->get() < 0) throw_system_error("cannot open the lock of the catalogue", path);
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return lock;
  throw CatalogueBusy("another genrewise changes this catalogue", file.string(),
                      "wait until it has finished, or stop it; searching is possible meanwhile");
}

/// Reads all of an existing file before anything is changed. Returns its version, 0 for an empty one.
int inspected_version(const fs::path& file) {
  std::string problem;
  try {
    Database database(file, Database::Mode::read);
    const int version = schema_version(database);
    auto check = database.query("PRAGMA quick_check(1)");
    if (!check.next() || check.text(0) == "ok") return version;
    problem = check.text(0);
  } catch (const DamagedDatabase& error) {
    problem = error.problem();
  }
  std::ranges::replace(problem, '\n', ' ');
  const fs::path copy = file.string() + ".damaged";
  checked_filesystem([&] { return fs::copy_file(file, copy, fs::copy_options::skip_existing); });
  throw Error(fmt::format("is damaged ({}); a copy is in {}", problem, copy.string()), file.string(),
              "save what can be read with `sqlite3 FILE .recover`, or move the file away and scan again");
}

CatalogueModel read_model(const Statement& row) {
  CatalogueModel model;
  model.id = row.integer(0);
  model.name = row.text(1);
  model.sha256 = row.text(2);
  model.labels = row.texts(3);
  model.recipe = {row.text(4), static_cast<int>(row.integer(5)), row.text(6)};
  model.threshold = row.optional_real(7);
  return model;
}

constexpr std::string_view kModels =
    "SELECT m.id, m.name, sha256, labels, r.name, version, hash, threshold FROM models m JOIN recipes r ON r.id = "
    "recipe ";

std::vector<CatalogueModel> read_models(Statement rows) {
  std::vector<CatalogueModel> models;
  while (rows.next()) models.push_back(read_model(rows));
  return models;
}

std::optional<CatalogueTrack> read_whole_track(Database& database, Statement row) {
  if (!row.next()) return std::nullopt;
  CatalogueTrack track = read_track(row);
  // Segments have as many probabilities.
  if (!track.probabilities.empty()) track.segments = read_segments(database, track.id, track.probabilities.size());
  return track;
}

}  // namespace

fs::path default_catalogue() {
  if (const std::string file = environment_variable("GENREWISE_LIBRARY"); !file.empty()) return file;
  const std::string data = environment_variable("XDG_DATA_HOME"), home = environment_variable("HOME");
  if (data.empty() && home.empty())
    throw Error("there is no folder for the catalogue, because HOME is not set", "catalogue",
                "give a file with --library");
  return (data.empty() ? fs::path(home) / ".local/share" : fs::path(data)) / "genrewise" / "library.db";
}

Catalogue::Catalogue(const fs::path& file, Access access) : file_(catalogue_path(file)) {
  const bool exists = path_exists(file_);
  if (access == Access::read) {
    if (!exists) throw Error("there is no catalogue", file_.string(), "make one with `genrewise library scan FOLDER`");
    database_ = std::make_unique<Database>(file_, Database::Mode::read);
    if (schema_version(*database_) != kSchemaVersion)
      throw Error("the catalogue is empty or of an older version", file_.string(),
                  "update it with `genrewise library scan`");
    return;
  }
  make_folders(file_.parent_path());
  lock_ = lock_catalogue(file_);
  const int version = exists ? inspected_version(file_) : 0;
  database_ = std::make_unique<Database>(file_, Database::Mode::create);
  if (version < kSchemaVersion) migrate(*database_);
}

Catalogue::~Catalogue() = default;
Catalogue::Catalogue(Catalogue&&) noexcept = default;

std::vector<fs::path> Catalogue::roots() const {
  std::vector<fs::path> roots;
  auto rows = database_->query("SELECT path FROM roots ORDER BY path");
  while (rows.next()) roots.emplace_back(rows.text(0));
  return roots;
}

std::vector<CatalogueModel> Catalogue::models() const {
  return read_models(database_->query(fmt::format("{} ORDER BY used", kModels)));
}

std::optional<CatalogueModel> Catalogue::current_model() const {
  auto row = database_->query(fmt::format("{} ORDER BY used DESC LIMIT 1", kModels));
  return row.next() ? std::optional(read_model(row)) : std::nullopt;
}

std::optional<CatalogueTrack> Catalogue::track(std::int64_t id) const {
  return read_whole_track(*database_,
                          database_->query(fmt::format("SELECT {} FROM tracks WHERE id = ?", kTrackColumns), id));
}

std::optional<CatalogueTrack> Catalogue::track(const fs::path& path) const {
  return read_whole_track(*database_,
                          database_->query(fmt::format("SELECT {} FROM tracks WHERE path = ?", kTrackColumns),
                                           catalogue_path(path).string()));
}

std::vector<std::pair<std::string, std::size_t>> Catalogue::genres() const {
  std::vector<std::pair<std::string, std::size_t>> genres;
  auto rows = database_->query(
      "SELECT genre, count(*) AS tracks FROM tracks WHERE missing = 0 AND genre != '' GROUP BY genre "
      "ORDER BY tracks DESC, genre");
  while (rows.next()) genres.emplace_back(rows.text(0), static_cast<std::size_t>(rows.integer(1)));
  if (const auto model = current_model())
    for (const std::string& label : model->labels)
      if (std::ranges::none_of(genres, [&](const auto& one) { return folded(one.first) == folded(label); }))
        genres.emplace_back(label, 0);
  return genres;
}

void Catalogue::correct(std::span<const std::int64_t> tracks, const std::string& genre) {
  if (genre.size() > 200 || std::ranges::any_of(genre, [](unsigned char letter) { return letter < 0x20; }))
    throw UsageError("is no name of a genre", "genre", "give up to 200 bytes without control characters");
  database_->transaction([&] {
    for (const std::int64_t track : tracks)
      database_->run("UPDATE tracks SET correction = ? WHERE id = ?", genre, track);
  });
}

void Catalogue::forget(std::span<const std::int64_t> tracks) {
  database_->transaction([&] {
    for (const std::int64_t track : tracks) database_->run("DELETE FROM tracks WHERE id = ?", track);
  });
}

std::int64_t Catalogue::data_version() const {
  auto row = database_->query("PRAGMA data_version");
  return row.next() ? row.integer(0) : 0;
}

std::vector<std::pair<FeatureRecipe, std::size_t>> Catalogue::stored_features() const {
  std::vector<std::pair<FeatureRecipe, std::size_t>> stored;
  auto rows = database_->query(
      "SELECT name, version, hash, (SELECT count(*) FROM features WHERE recipe = recipes.id) AS tracks FROM recipes "
      "WHERE tracks > 0 ORDER BY tracks DESC, name");
  while (rows.next())
    stored.push_back(
        {{rows.text(0), static_cast<int>(rows.integer(1)), rows.text(2)}, static_cast<std::size_t>(rows.integer(3))});
  return stored;
}

}  // namespace genrewise
